//! Seed tree with named streams, and the fast Gaussian generator.
