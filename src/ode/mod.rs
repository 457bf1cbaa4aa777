//! Adapter over ODE solvers: tolerances, requested output times, typed failures. No physics.
