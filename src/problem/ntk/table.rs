//! A data set from a file: one point in a line, its coordinates first and its label last.

use crate::problem::spec::Violation;
use nalgebra::{DMatrix, DVector};

/// Points and labels of a table, the last rows of it for tests.
pub(super) struct Table {
    /// d x P and d x tests.
    pub x: DMatrix<f64>,
    pub tests: DMatrix<f64>,
    pub y: DVector<f64>,
    pub test_y: DVector<f64>,
}

impl Table {
    /// Reads numbers separated by commas; lines that are empty or start with `#` are skipped, and so is the first line
    /// where it is no numbers. `standardised` shifts and scales every coordinate to mean 0 and mean square 1 over the
    /// training points.
    pub fn read(path: &str, tests: usize, standardised: bool) -> Result<Self, Violation> {
        let refuse = |rule: String, remedy: &str| Violation::new("inputs.path", rule, remedy);
        let text = std::fs::read_to_string(path).map_err(|error| {
            refuse(
                format!("cannot be read: {error}"),
                "give the path of a table relative to the scenario file",
            )
        })?;
        let mut rows: Vec<Vec<f64>> = Vec::new();
        let mut headed = false;
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let row: Result<Vec<f64>, _> = line.split(',').map(|field| field.trim().parse::<f64>()).collect();
            match row {
                Ok(row) if row.iter().all(|x| x.is_finite()) && row.len() > 1 => {
                    if let Some(first) = rows.first().filter(|first| first.len() != row.len()) {
                        let rule = format!(
                            "line {} has {} fields where others have {}",
                            number + 1,
                            row.len(),
                            first.len()
                        );
                        return Err(refuse(rule, "give every point the same number of coordinates"));
                    }
                    rows.push(row);
                }
                Err(_) if rows.is_empty() && !headed => headed = true,
                _ => {
                    let rule = format!("line {} is no list of at least two finite numbers", number + 1);
                    return Err(refuse(rule, "write coordinates and the label, separated by commas"));
                }
            }
        }
        if tests >= rows.len() {
            let rule = format!("{tests} test points of {} rows", rows.len());
            return Err(Violation::new("inputs.tests", rule, "leave at least one training point"));
        }
        let (points, dimension) = (rows.len() - tests, rows[0].len() - 1);
        let mut x = DMatrix::from_fn(dimension, rows.len(), |i, j| rows[j][i]);
        if standardised {
            for (i, mut coordinate) in x.row_iter_mut().enumerate() {
                let train = coordinate.columns(0, points);
                let mean = train.mean();
                let std = (train.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / points as f64).sqrt();
                if std == 0.0 {
                    let rule = format!("column {} is the same for all training points", i + 1);
                    return Err(refuse(rule, "remove the column, or set standardised = false"));
                }
                coordinate.iter_mut().for_each(|x| *x = (*x - mean) / std);
            }
        }
        let label = |j: usize| rows[j][dimension];
        Ok(Self {
            tests: x.columns(points, tests).clone_owned(),
            x: x.columns(0, points).clone_owned(),
            y: DVector::from_fn(points, |j, _| label(j)),
            test_y: DVector::from_fn(tests, |j, _| label(points + j)),
        })
    }
}
