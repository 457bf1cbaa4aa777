//! Small exact laws: outside anchors, second routes, orders, and verdicts that say no.

mod class_imbalance;
mod discretisation_drift;
mod matrix_sensing;
mod roads;
