//! Figures, data tables, records.
