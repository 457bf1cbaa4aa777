//! The gallery of all figures of a folder: one HTML page without outside resources, and a Markdown table.

/// One figure of the gallery. All texts are plain, without markup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Scenario name, also the anchor on the page.
    pub id: String,
    pub title: String,
    pub source: String,
    /// Path of the picture, relative to the page, with `/` between folders.
    pub image: String,
    /// One sentence for each verdict.
    pub verdicts: Vec<String>,
    /// Stated run time of the scenario, if it states one.
    pub expected_time: Option<String>,
}

const STYLE: &str = "\
:root { --ink: #1d1f21; --grey: #5f6368; --rule: #e3e5e8; --paper: #fff; --ground: #f6f7f8; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
  font-family: 'Liberation Sans', 'Helvetica Neue', Helvetica, Arial, sans-serif; font-size: 15px; }
header, main, footer { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 44px; padding-bottom: 20px; }
h1 { font-size: 30px; margin: 0 0 6px; letter-spacing: -0.01em; }
header p { margin: 0; color: var(--grey); }
nav { margin-top: 18px; display: flex; flex-wrap: wrap; gap: 6px; }
nav a { padding: 3px 10px; border: 1px solid var(--rule); border-radius: 12px; background: var(--paper);
  color: var(--accent); font-size: 13px; text-decoration: none; }
nav a:hover, nav a:focus { border-color: var(--accent); }
article { background: var(--paper); border: 1px solid var(--rule); border-radius: 8px; margin: 0 0 28px;
  padding: 22px 26px; scroll-margin-top: 16px; }
h2 { font-size: 19px; margin: 0; }
.source { color: var(--grey); font-size: 13.5px; margin: 2px 0 16px; }
img { display: block; width: 100%; height: auto; }
ul { margin: 16px 0 0; padding: 0; list-style: none; }
li { padding: 5px 0 5px 12px; border-left: 3px solid var(--accent); margin-bottom: 5px; font-size: 14px; }
.run { margin: 14px 0 0; color: var(--grey); font-size: 13px; }
code { font-family: 'Liberation Mono', Menlo, Consolas, monospace; font-size: 12.5px; background: var(--ground);
  padding: 2px 6px; border-radius: 4px; color: var(--ink); }
footer { color: var(--grey); font-size: 13px; padding-top: 4px; padding-bottom: 40px; }
@media print { body { background: #fff; } nav { display: none; } article { break-inside: avoid; border: 0; } }
";

/// The page: every figure with its source, its verdicts and the command that makes it.
pub fn html(entries: &[Entry]) -> String {
    let mut links = String::new();
    let mut articles = String::new();
    for entry in entries {
        let (id, title) = (escaped(&entry.id), escaped(&entry.title));
        links.push_str(&format!("<a href=\"#{id}\">{id}</a>\n"));
        articles.push_str(&format!("<article id=\"{id}\">\n<h2>{title}</h2>\n"));
        articles.push_str(&format!("<p class=\"source\">{}</p>\n", escaped(&entry.source)));
        let image = escaped(&address(&entry.image));
        articles.push_str(&format!(
            "<a href=\"{image}\"><img src=\"{image}\" alt=\"{title}\" loading=\"lazy\"></a>\n"
        ));
        if !entry.verdicts.is_empty() {
            articles.push_str("<ul>\n");
            for verdict in &entry.verdicts {
                articles.push_str(&format!("<li>{}</li>\n", escaped(verdict)));
            }
            articles.push_str("</ul>\n");
        }
        articles.push_str(&format!("<p class=\"run\"><code>figure run {id}</code>"));
        if let Some(time) = &entry.expected_time {
            articles.push_str(&format!(" &middot; {}", escaped(time)));
        }
        articles.push_str("</p>\n</article>\n");
    }
    let count = match entries.len() {
        1 => "1 figure".into(),
        n => format!("{n} figures"),
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>asymptotica: figures</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>asymptotica</h1>\n<p>Exact theory of high-dimensional learning beside the learning \
         itself: {count}.</p>\n<nav>\n{links}</nav>\n</header>\n<main>\n{articles}</main>\n\
         <footer>Lines are theory, markers are simulations of the algorithm at finite size.</footer>\n\
         </body>\n</html>\n"
    )
}

/// The same as a Markdown table: picture on the left, what it shows and the verdicts on the right.
pub fn markdown(entries: &[Entry]) -> String {
    let mut out = String::from("| Figure | What it shows |\n|---|---|\n");
    for entry in entries {
        let cell = |text: &str| {
            escaped(text).replace('|', "&#124;").replace('_', "\\_").replace('*', "\\*").replace('\n', " ")
        };
        let title = cell(&entry.title);
        let image = escaped(&address(&entry.image)).replace('|', "%7C");
        let mut lines = vec![format!("**{title}**"), format!("<sub>{}</sub>", cell(&entry.source))];
        lines.extend(entry.verdicts.iter().map(|verdict| cell(verdict)));
        let time = entry.expected_time.as_ref().map_or(String::new(), |time| format!(" ({})", cell(time)));
        lines.push(format!("`figure run {}`{time}", entry.id));
        out.push_str(&format!(
            "| <a href=\"{image}\"><img src=\"{image}\" width=\"420\" alt=\"{title}\"></a> | {} |\n",
            lines.join("<br>")
        ));
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A relative path as a link: everything but unreserved characters and `/` percent-encoded, so that a name
/// cannot be read as a scheme, a query or a fragment.
fn address(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte.into())
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
