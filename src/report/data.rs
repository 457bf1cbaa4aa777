//! The tidy table of a run, `data.csv`: one row per point, full double precision.

use super::atomic;
use crate::compare::{Group, Moments};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The columns, in order.
pub const COLUMNS: [&str; 9] =
    ["series", "observable", "x", "source", "size", "mean", "std_error", "std", "replicas"];

/// What a row reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The law. `std_error` is its own numerical error; where each replica has its own law, mean and `std`
    /// are over those laws and `size` is that of the replicas.
    Law,
    /// The algorithm on vectors of length d.
    Direct,
    /// The exact finite-d process in overlap space.
    Chain,
    /// The algorithm on a data matrix that is never formed.
    MatrixFree,
    /// The paired difference simulation minus law: mean, and standard error of that mean, over replicas. Not
    /// the difference of the two other rows' errors: pairing removes what replica and law share.
    Residual,
    /// What runs of this size do together, predicted: mean over runs with its error, and standard deviation over
    /// runs; quantiles over runs as the `mean` of rows `R[1,1]:q05` and so on.
    AtSize,
    /// One replica, for panels that draw single runs; a new one begins where x starts again.
    Run,
}

impl Source {
    /// Replicas of a finite system.
    pub fn is_simulation(self) -> bool {
        matches!(self, Source::Direct | Source::Chain | Source::MatrixFree)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Law => "law",
            Source::Direct => "direct",
            Source::Chain => "chain",
            Source::MatrixFree => "matrix-free",
            Source::Residual => "residual",
            Source::AtSize => "at-size",
            Source::Run => "run",
        })
    }
}

impl FromStr for Source {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "law" => Ok(Source::Law),
            "direct" => Ok(Source::Direct),
            "chain" => Ok(Source::Chain),
            "matrix-free" => Ok(Source::MatrixFree),
            "residual" => Ok(Source::Residual),
            "at-size" => Ok(Source::AtSize),
            "run" => Ok(Source::Run),
            _ => Err(()),
        }
    }
}

/// One point. What does not exist (the spread of a single replica, the size of a limit) is `None` and an empty
/// field, never a placeholder number.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub series: String,
    pub observable: String,
    pub x: f64,
    pub source: Source,
    /// Value of the limit parameter; `None` for a law without a simulation beside it.
    pub size: Option<usize>,
    pub mean: f64,
    /// Error of the mean.
    pub std_error: Option<f64>,
    /// Spread over replicas.
    pub std: Option<f64>,
    /// Values behind the mean; `None` for a law that all replicas share.
    pub replicas: Option<usize>,
}

impl Row {
    /// A row of moments over replicas.
    pub fn of_moments(
        series: &str,
        observable: &str,
        x: f64,
        source: Source,
        size: usize,
        moments: Moments,
    ) -> Self {
        Self {
            series: series.to_string(),
            observable: observable.to_string(),
            x,
            source,
            size: Some(size),
            mean: moments.mean,
            std_error: moments.std_error,
            std: moments.std,
            replicas: Some(moments.count),
        }
    }
}

/// All rows of one curve: the law, the simulation (whose kind is `source`), and their paired difference.
///
/// A law beside a simulation carries its size, since it stands at the times that this size recorded; size 0 is
/// a law in the limit and becomes an empty field. A law that all replicas share has one value and its numerical error; laws of single replicas have moments
/// over replicas, with the numerical error still in `std_error`.
pub fn rows(group: &Group, source: Source) -> Vec<Row> {
    let points = group.x.len();
    let shared = group.law.len() == 1;
    let law = Moments::per_point(&group.law, points);
    let simulation = Moments::per_point(&group.simulation, points);
    let row = |p: usize, source, moments: Option<Moments>| {
        let (series, observable) = (&group.label, &group.observable);
        let row = Row::of_moments(series, observable, group.x[p], source, group.size, moments?);
        Some(Row { size: row.size.filter(|&size| size > 0), ..row })
    };
    let law_row = |p: usize| {
        let row = row(p, Source::Law, law[p])?;
        Some(Row { std_error: Some(group.law_error[p]), replicas: row.replicas.filter(|_| !shared), ..row })
    };
    let residual = group.differences();
    let law_rows = (0..points).filter_map(law_row);
    let simulation_rows = (0..points).filter_map(|p| row(p, source, simulation[p]));
    let residual_rows = (0..points).filter_map(|p| row(p, Source::Residual, residual[p]));
    law_rows.chain(simulation_rows).chain(residual_rows).collect()
}

/// The first `count` replicas of a curve, one after the other.
pub fn single_runs(group: &Group, count: usize) -> Vec<Row> {
    let row = |x: f64, mean: f64| Row {
        series: group.label.clone(),
        observable: group.observable.clone(),
        x,
        source: Source::Run,
        size: Some(group.size),
        mean,
        std_error: None,
        std: None,
        replicas: Some(1),
    };
    let of = |run: &Vec<Option<f64>>| -> Vec<Row> {
        group.x.iter().zip(run).filter_map(|(&x, value)| Some(row(x, (*value)?))).collect()
    };
    group.simulation.iter().take(count).flat_map(of).collect()
}

/// A table that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
    #[error("{}: row {row} ({place}): {column} is {value}, which has no place in a table", path.display())]
    NotFinite { path: PathBuf, row: usize, place: String, column: &'static str, value: f64 },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}:{line}: {problem}", path.display())]
    Malformed { path: PathBuf, line: u64, problem: String },
}

/// Writes the table, whole or not at all. Numbers have the shortest form that reads back to the same bits.
///
/// # Errors
/// A number that is not finite, by row and column; or a file that cannot be written.
pub fn write(path: &Path, rows: &[Row]) -> Result<(), DataError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let into_memory = "a vector takes every byte";
    writer.write_record(COLUMNS).expect(into_memory);
    for (k, row) in rows.iter().enumerate() {
        let number = |column: &'static str, value: f64| {
            if value.is_finite() {
                return Ok(format!("{value:?}"));
            }
            let place = format!("{} {} {}", row.series, row.observable, row.source);
            Err(DataError::NotFinite { path: path.to_path_buf(), row: k + 1, place, column, value })
        };
        let optional = |column, value: Option<f64>| value.map_or(Ok(String::new()), |v| number(column, v));
        let count = |value: Option<usize>| value.map_or(String::new(), |v| v.to_string());
        let fields = [
            row.series.clone(),
            row.observable.clone(),
            number("x", row.x)?,
            row.source.to_string(),
            count(row.size),
            number("mean", row.mean)?,
            optional("std_error", row.std_error)?,
            optional("std", row.std)?,
            count(row.replicas),
        ];
        writer.write_record(fields).expect(into_memory);
    }
    let bytes = writer.into_inner().expect(into_memory);
    Ok(atomic::write(path, &bytes)?)
}

/// Reads a table back.
///
/// # Errors
/// A file that cannot be read, or the first malformed field with its line, column and rule.
pub fn read(path: &Path) -> Result<Vec<Row>, DataError> {
    let text = std::fs::read(path).map_err(|source| DataError::Read { path: path.to_path_buf(), source })?;
    let malformed =
        |line: u64, problem: String| DataError::Malformed { path: path.to_path_buf(), line, problem };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
    let mut rows = Vec::new();
    let mut found_header = false;
    for record in reader.records() {
        let record = record
            .map_err(|error| malformed(error.position().map_or(1, csv::Position::line), broken(&error)))?;
        let line = record.position().map_or(1, csv::Position::line);
        if found_header {
            rows.push(row(&record).map_err(|problem| malformed(line, problem))?);
        } else if record.iter().eq(COLUMNS) {
            found_header = true;
        } else {
            return Err(malformed(line, format!("the columns must be {}", COLUMNS.join(","))));
        }
    }
    if found_header {
        Ok(rows)
    } else {
        Err(malformed(1, format!("empty; the columns must be {}", COLUMNS.join(","))))
    }
}

fn broken(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, but there are {expected_len} columns")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_string(),
        _ => error.to_string(),
    }
}

fn row(record: &csv::StringRecord) -> Result<Row, String> {
    let field = |column: usize| &record[column];
    let broken = |column: usize, rule: &str| format!("{} = {:?}: {rule}", COLUMNS[column], field(column));
    let number = |column: usize| match field(column).parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(broken(column, "must be a finite number")),
    };
    let optional = |column| if field(column).is_empty() { Ok(None) } else { number(column).map(Some) };
    let count = |column| match field(column) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| broken(column, "must be a count, or empty")),
    };
    Ok(Row {
        series: field(0).to_string(),
        observable: field(1).to_string(),
        x: number(2)?,
        source: field(3).parse().map_err(|()| broken(3, "must be law, direct, chain or residual"))?,
        size: count(4)?,
        mean: number(5)?,
        std_error: optional(6)?,
        std: optional(7)?,
        replicas: count(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Row> {
        let values = [0.1 + 0.2, -1.0 / 3.0, 5e-324, 1.7976931348623157e308, 6.02214076e23, -0.0, 784.0];
        let mut rows: Vec<Row> = values
            .iter()
            .map(|&mean| Row {
                series: "K = 4, \"first\" layer".into(),
                observable: "R[1,2]".into(),
                x: mean / 7.0,
                source: Source::Law,
                size: None,
                mean,
                std_error: Some(mean.abs() / 3.0),
                std: None,
                replicas: None,
            })
            .collect();
        let moments = Moments::of(&[0.21, 0.27, 0.22]).unwrap();
        for source in [Source::Direct, Source::Chain, Source::MatrixFree, Source::Residual] {
            rows.push(Row::of_moments("", "generalisation_error", 2.5, source, 784, moments));
        }
        let single = Moments::of(&[0.21]).unwrap();
        rows.push(Row::of_moments("", "generalisation_error", 3.5, Source::Direct, 784, single));
        rows
    }

    #[test]
    fn reads_back_to_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        write(&path, &table()).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(read, table());
        for (a, b) in read.iter().zip(table()) {
            assert_eq!((a.mean.to_bits(), a.x.to_bits()), (b.mean.to_bits(), b.x.to_bits()));
        }
    }

    #[test]
    fn a_single_replica_leaves_its_spread_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        write(&path, table().last_chunk::<1>().unwrap()).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "series,observable,x,source,size,mean,std_error,std,replicas\n\
             ,generalisation_error,3.5,direct,784,0.21,,,1\n"
        );
    }

    #[test]
    fn a_curve_has_rows_for_law_simulation_and_residual() {
        let replicas = [0.31, 0.36, 0.29];
        let group = Group {
            label: "K = 4".into(),
            size: 784,
            observable: "generalisation_error".into(),
            positive: true,
            x: vec![0.5, 2.5],
            simulation: replicas
                .iter()
                .enumerate()
                .map(|(i, &v)| vec![Some(v), (i > 0).then_some(v)])
                .collect(),
            law: vec![vec![None, Some(0.3)]],
            law_error: vec![7e-9, 2e-9],
            run: 0,
        };
        let shared = rows(&group, Source::Chain);
        let of = |rows: &[Row], source: Source, x: f64| {
            rows.iter().find(|row| row.source == source && row.x == x).cloned()
        };
        assert_eq!(shared.len(), 1 + 2 + 1, "a point that the law did not reach has no law and no residual");
        let law = of(&shared, Source::Law, 2.5).unwrap();
        assert_eq!((law.mean, law.std_error, law.std), (0.3, Some(2e-9), None));
        assert_eq!((law.size, law.replicas), (Some(784), None));
        let limit = rows(&Group { size: 0, simulation: Vec::new(), ..group.clone() }, Source::Chain);
        assert!(limit.iter().all(|row| row.size.is_none() && row.source == Source::Law));
        let residual = of(&shared, Source::Residual, 2.5).unwrap();
        assert_eq!((residual.replicas, residual.size), (Some(2), Some(784)));
        assert!((residual.mean - 0.025).abs() < 1e-15 && (residual.std_error.unwrap() - 0.035).abs() < 1e-15);

        let own = vec![vec![Some(0.3), Some(0.2)], vec![Some(0.4), Some(0.3)], vec![Some(0.2), Some(0.1)]];
        let paired = rows(&Group { law: own, ..group }, Source::Chain);
        let law = of(&paired, Source::Law, 0.5).unwrap();
        assert_eq!((law.size, law.replicas, law.std_error), (Some(784), Some(3), Some(7e-9)));
        assert!((law.mean - 0.3).abs() < 1e-15 && (law.std.unwrap() - 0.1).abs() < 1e-15);
    }

    #[test]
    fn undefined_replicas_are_left_out_and_counted() {
        let group = Group {
            label: String::new(),
            size: 100,
            observable: "feature".into(),
            positive: false,
            x: vec![1.0, 2.0],
            simulation: [0.9, f64::NAN, 0.8].iter().map(|&v| vec![Some(v), Some(v)]).collect(),
            law: vec![vec![Some(0.8), Some(0.8)]],
            law_error: vec![0.0; 2],
            run: 0,
        };
        assert_eq!(group.undefined(), [false, true, false]);
        for source in [Source::Direct, Source::Residual] {
            let rows = rows(&group, Source::Direct);
            let row = rows.iter().find(|row| row.source == source && row.x == 2.0).expect("a row");
            assert_eq!(row.replicas, Some(2), "{source}");
        }
        let defined = group.defined(7);
        assert_eq!((defined.simulation.len(), defined.law.len(), defined.run), (2, 1, 7));
    }

    #[test]
    fn refuses_numbers_that_are_not_finite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        let mut rows = table();
        rows[3].std_error = Some(f64::NAN);
        let message = write(&path, &rows).unwrap_err().to_string();
        assert!(message.contains("row 4") && message.contains("std_error is NaN"), "{message}");
        assert!(!path.exists());
    }

    #[test]
    fn says_where_a_table_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        let header = COLUMNS.join(",");
        let cases = [
            (
                format!("{header}\n,q,1.5,law,,0.3,,,\n,q,2.5,law,,O.3,,,\n"),
                ":3: mean = \"O.3\": must be a finite",
            ),
            (format!("{header}\n,q,NaN,law,,0.3,,,\n"), ":2: x = \"NaN\": must be a finite"),
            (format!("{header}\n,q,1.5,theory,,0.3,,,\n"), ":2: source = \"theory\": must be law, direct"),
            (format!("{header}\n,q,1.5,law,7.5,0.3,,,\n"), ":2: size = \"7.5\": must be a count"),
            (format!("{header}\n,q,1.5,law,,0.3,,\n"), ":2: 8 fields, but there are 9 columns"),
            ("series,x\n".to_string(), ":1: the columns must be series,observable"),
            (String::new(), ":1: empty; the columns must be"),
        ];
        for (text, expected) in cases {
            std::fs::write(&path, text).unwrap();
            let message = read(&path).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
