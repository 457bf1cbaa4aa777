//! One line of progress: scenario, work done, time left.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Mutex;

/// Progress over the jobs of all scenarios of a command; silent where nobody watches.
pub struct Progress {
    bar: ProgressBar,
    done: Mutex<f64>,
    total: f64,
}

/// Ticks of a full bar: costs are floating-point numbers.
const TICKS: f64 = 10_000.0;

impl Progress {
    pub fn new(total_cost: f64, visible: bool) -> Self {
        let target =
            if visible { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(TICKS as u64), target);
        let style =
            ProgressStyle::with_template("{bar:28} {percent:>3} %  {elapsed} gone, {eta} left  {wide_msg}")
                .expect("a valid template")
                .progress_chars("━╸ ");
        bar.set_style(style);
        if visible {
            bar.enable_steady_tick(std::time::Duration::from_millis(250));
        }
        Self { bar, done: Mutex::new(0.0), total: total_cost }
    }

    /// What is running now.
    pub fn message(&self, text: String) {
        self.bar.set_message(text);
    }

    /// Adds the cost of a finished job.
    pub fn advance(&self, cost: f64) {
        let mut done = self.done.lock().expect("no panic while counting");
        *done += cost;
        if self.total > 0.0 {
            self.bar.set_position((TICKS * *done / self.total) as u64);
        }
    }

    /// Prints a line above the bar, or plainly where there is no bar.
    pub fn print(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
