//! `deploy/` and the threat model, held against what it promises. Each check is also held against something broken.

mod compose;
mod images;
mod kubernetes;
mod redis_cluster;
mod threat_model;
