//! Images that are unusual and still copied, or refused for what they are.
