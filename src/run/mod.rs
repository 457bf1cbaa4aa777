//! The only module that sees both roads.
