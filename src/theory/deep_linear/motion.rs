//! The forms of the law, each as something that moves through time.

use super::balanced::Balanced;
use super::flow::{Drive, Flow, Stop};
use super::mode::{Clock, Mode};
use super::observables::{ModeState, State};
use super::table::Table;
use super::tracker::{Motion, Stopped};
use super::two_layer::TwoLayerMode;
use nalgebra::DMatrix;
use std::sync::Arc;

/// Decoupled modes.
#[derive(Clone, Debug)]
pub struct Modes {
    laws: Vec<ModeLaw>,
    state: Vec<ModeState>,
}

#[derive(Clone, Debug)]
enum ModeLaw {
    OneLayer {
        s: f64,
        u0: f64,
        rate: f64,
        saturates: bool,
    },
    TwoLayers(TwoLayerMode),
    Deep {
        table: Arc<Table>,
        mode: Mode,
        /// The node of the table that served last.
        near: usize,
    },
    /// The fault without saturation.
    Unsaturated {
        clock: Arc<Clock>,
        mode: Mode,
    },
    /// A deep mode that starts above its strength, or has none: outside the closed form.
    Numeric {
        s: f64,
        flow: Box<Flow>,
    },
}

impl Modes {
    /// Modes with equal factors in all layers, from `(s, u0, rate)` each.
    pub fn balanced(modes: &[(f64, f64, f64)], layers: usize, saturates: bool, tolerance: f64) -> Self {
        let clock = (layers > 2).then(|| Arc::new(Clock::new(layers)));
        let grows = |s: f64, u0: f64| 0.0 < u0 && u0 < s;
        let table = clock.as_ref().filter(|_| saturates).map(|clock| {
            let growing = modes.iter().filter(|&&(s, u0, _)| grows(s, u0));
            let lowest = growing.map(|&(s, u0, rate)| Mode::new(clock, s, u0, rate).lowest());
            Arc::new(Table::new(clock, lowest.fold(0.0, f64::min)))
        });
        let law = |&(s, u0, rate): &(f64, f64, f64)| match &clock {
            None if layers == 1 => ModeLaw::OneLayer { s, u0, rate, saturates },
            None => two_layers(TwoLayerMode::new(s, u0.sqrt(), u0.sqrt(), rate), saturates),
            Some(clock) if grows(s, u0) => {
                let mode = Mode::new(clock, s, u0, rate);
                match &table {
                    Some(table) => ModeLaw::Deep { table: table.clone(), mode, near: 0 },
                    None => ModeLaw::Unsaturated { clock: clock.clone(), mode },
                }
            }
            Some(_) => {
                let factor = DMatrix::from_element(1, 1, u0.powf(1.0 / layers as f64));
                let cross = DMatrix::from_element(1, 1, s);
                let drive = Drive { cross, input: None, rate, saturates };
                let flow = Box::new(Flow::new(&vec![factor; layers], drive, tolerance));
                ModeLaw::Numeric { s, flow }
            }
        };
        Self::new(modes.iter().map(law).collect())
    }

    /// Two-layer modes from `(s, a, b, rate)` each.
    pub fn unbalanced(modes: &[(f64, f64, f64, f64)], saturates: bool) -> Self {
        let law =
            |&(s, a, b, rate): &(f64, f64, f64, f64)| two_layers(TwoLayerMode::new(s, a, b, rate), saturates);
        Self::new(modes.iter().map(law).collect())
    }

    fn new(laws: Vec<ModeLaw>) -> Self {
        let zero = ModeState { u: 0.0, gap: 0.0, sides: None };
        Self { state: vec![zero; laws.len()], laws }
    }
}

fn two_layers(mode: TwoLayerMode, saturates: bool) -> ModeLaw {
    ModeLaw::TwoLayers(if saturates { mode } else { mode.without_saturation() })
}

impl Motion for Modes {
    fn advance(&mut self, time: f64) -> Result<(), Stopped> {
        let equal = |u: f64, gap: f64| ModeState { u, gap, sides: None };
        for (law, state) in self.laws.iter_mut().zip(&mut self.state) {
            *state = match law {
                ModeLaw::OneLayer { s, u0, rate, saturates: true } => {
                    let gap = (*s - *u0) * (-*rate * time).exp();
                    equal(*s - gap, gap)
                }
                ModeLaw::OneLayer { s, u0, rate, saturates: false } => {
                    let u = *u0 + *s * *rate * time;
                    equal(u, *s - u)
                }
                ModeLaw::TwoLayers(mode) => {
                    let factors = mode.at(time);
                    ModeState {
                        u: factors.a * factors.b,
                        gap: factors.gap,
                        sides: Some((factors.a, factors.b)),
                    }
                }
                ModeLaw::Deep { table, mode, near } => {
                    let (u, gap) = mode.look_up(table, near, time);
                    equal(u, gap)
                }
                ModeLaw::Unsaturated { clock, mode } => match mode.unsaturated(clock, time) {
                    Some(u) => equal(u, mode.strength - u),
                    None => {
                        return Err(Stopped::Diverged {
                            time,
                            reason: "a mode without saturation left the finite numbers".into(),
                        });
                    }
                },
                ModeLaw::Numeric { s, flow } => {
                    flow.advance(time)?;
                    let u = flow.blocks().product[(0, 0)];
                    equal(u, *s - u)
                }
            };
        }
        Ok(())
    }

    fn state(&self) -> State {
        State::Modes(self.state.clone())
    }
}

impl From<Stop> for Stopped {
    fn from(stop: Stop) -> Self {
        Self::Diverged { time: stop.time, reason: stop.reason }
    }
}

impl Motion for Flow {
    fn advance(&mut self, time: f64) -> Result<(), Stopped> {
        Ok(Flow::advance(self, time)?)
    }

    fn state(&self) -> State {
        State::Blocks(self.blocks())
    }

    fn stops(&mut self, times: &[f64]) -> Result<Vec<Self>, Stopped> {
        Ok(Flow::stops(self, times)?)
    }
}

/// The matrix solution on the clock of the problem.
#[derive(Clone, Debug)]
pub struct Clocked {
    pub solution: Balanced,
    /// Learning rate times input variance.
    pub rate: f64,
}

impl Motion for Clocked {
    fn advance(&mut self, time: f64) -> Result<(), Stopped> {
        Ok(self.solution.advance(self.rate * time)?)
    }

    fn state(&self) -> State {
        State::Blocks(self.solution.blocks())
    }
}
