//! Facade on symmetric eigenproblems, SVD, Cholesky, solves and products: faer by default, LAPACK by feature.
