//! Small exact laws: outside anchors, second routes, orders, and verdicts that say no.

mod class_imbalance;
mod discretisation_drift;
mod extensive_width;
mod in_context;
mod matrix_sensing;
#[path = "../common/planted.rs"]
mod planted;
mod roads;
mod sparse_parity;

use planted::{Bench, law, refutes, replicas, scenario, standard_errors};
