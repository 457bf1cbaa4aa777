//! The algorithms, run on finite data: one file or folder per problem. Never sees the laws.
