//! Every scenario that ships: valid in every preset, with the presets and times that the README promises.

use asymptotica::scenario::{Overrides, Source, resolve};
use std::path::Path;

#[test]
fn every_scenario_resolves_in_every_preset() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("a folder of scenarios") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            continue;
        }
        let source = Source::read(&path).unwrap_or_else(|report| panic!("{report}"));
        for preset in ["quick", "paper"] {
            assert!(
                source.presets().iter().any(|known| known == preset),
                "{}: no preset {preset}",
                path.display()
            );
        }
        for preset in std::iter::once(None).chain(source.presets().into_iter().map(Some)) {
            let overrides = Overrides { preset: preset.clone(), ..Overrides::default() };
            let scenario =
                resolve(&source, &overrides).unwrap_or_else(|report| panic!("{preset:?}: {report}"));
            assert!(!scenario.claims.is_empty(), "{}: nothing is claimed", path.display());
            assert!(
                preset.is_none() || scenario.expected_time.is_some(),
                "{}: no expected time",
                path.display()
            );
            // What a run stores as resolved is the same scenario again.
            let again = Source::from_text(&scenario.id, "again", &scenario.text).expect("valid TOML");
            let again = resolve(&again, &Overrides::default()).unwrap_or_else(|report| panic!("{report}"));
            assert_eq!(format!("{:?}", scenario.cases), format!("{:?}", again.cases));
            seen += 1;
        }
    }
    assert!(seen >= 3 * 23, "only {seen} scenarios were read");
}
