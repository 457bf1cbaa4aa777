//! A tree of values as TOML text.

use super::raw::{Node, Raw, Table};

/// A document with its plain keys first, then its sections, every section's values on one line each.
pub(super) fn toml(root: &Table) -> String {
    let mut text = String::new();
    let is_section = |node: &Node| match &node.raw {
        Raw::Table(_) => true,
        Raw::List(items) => !items.is_empty() && items.iter().all(|item| item.as_table().is_some()),
        _ => false,
    };
    for entry in root.entries.iter().filter(|entry| !is_section(&entry.node)) {
        line(&mut text, &entry.key, &entry.node);
    }
    for entry in root.entries.iter().filter(|entry| is_section(&entry.node)) {
        let repeated = matches!(entry.node.raw, Raw::List(_));
        for table in entry.node.items().iter().filter_map(Node::as_table) {
            let name = key(&entry.key);
            text += &if repeated { format!("\n[[{name}]]\n") } else { format!("\n[{name}]\n") };
            for inner in &table.entries {
                line(&mut text, &inner.key, &inner.node);
            }
        }
    }
    text
}

fn line(text: &mut String, name: &str, node: &Node) {
    *text += &format!("{} = {}\n", key(name), value(node));
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_string() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

fn value(node: &Node) -> String {
    match &node.raw {
        Raw::Text(text) => quoted(text),
        Raw::Integer(n) => n.to_string(),
        Raw::Float(x) if x.is_nan() => "nan".into(),
        Raw::Float(x) => format!("{x:?}"),
        Raw::Flag(flag) => flag.to_string(),
        Raw::Date(date) => date.clone(),
        Raw::List(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
        Raw::Table(table) => {
            let pairs: Vec<String> = table
                .entries
                .iter()
                .map(|entry| format!("{} = {}", key(&entry.key), value(&entry.node)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}
