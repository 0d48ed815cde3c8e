//! Sets, sorted sets and hashes by key, with the semantics of Redis: an empty one does not exist,
//! and a sorted set is ordered by score and then by member.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The index entries of a store.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    sets: HashMap<String, BTreeSet<String>>,
    sorted: HashMap<String, Sorted>,
    hashes: HashMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default)]
struct Sorted {
    scores: HashMap<String, i64>,
    order: BTreeSet<(i64, String)>,
}

impl Tables {
    pub(super) fn add(&mut self, key: &str, member: &str) {
        let set = self.sets.entry(key.to_owned()).or_default();
        set.insert(member.to_owned());
    }

    pub(super) fn discard(&mut self, key: &str, member: &str) {
        if let Some(set) = self.sets.get_mut(key) {
            set.remove(member);
            if set.is_empty() {
                self.sets.remove(key);
            }
        }
    }

    pub(super) fn members(&self, key: &str) -> Vec<String> {
        self.sets
            .get(key)
            .map_or_else(Vec::new, |set| set.iter().cloned().collect())
    }

    pub(super) fn size(&self, key: &str) -> usize {
        self.sets.get(key).map_or(0, BTreeSet::len)
    }

    pub(super) fn score(&mut self, key: &str, member: &str, score: i64) {
        let sorted = self.sorted.entry(key.to_owned()).or_default();
        if let Some(old) = sorted.scores.insert(member.to_owned(), score) {
            sorted.order.remove(&(old, member.to_owned()));
        }
        sorted.order.insert((score, member.to_owned()));
    }

    pub(super) fn unscore(&mut self, key: &str, member: &str) {
        if let Some(sorted) = self.sorted.get_mut(key) {
            if let Some(old) = sorted.scores.remove(member) {
                sorted.order.remove(&(old, member.to_owned()));
            }
            if sorted.scores.is_empty() {
                self.sorted.remove(key);
            }
        }
    }

    pub(super) fn score_of(&self, key: &str, member: &str) -> Option<i64> {
        self.sorted.get(key)?.scores.get(member).copied()
    }

    pub(super) fn count(&self, key: &str) -> usize {
        self.sorted.get(key).map_or(0, |sorted| sorted.order.len())
    }

    /// All members with their scores, the lowest first.
    pub(super) fn ranked<'a>(
        &'a self,
        key: &str,
    ) -> impl DoubleEndedIterator<Item = &'a (i64, String)> + use<'a> {
        self.sorted
            .get(key)
            .into_iter()
            .flat_map(|sorted| sorted.order.iter())
    }

    pub(super) fn set_field(&mut self, key: &str, field: &str, value: &str) {
        let hash = self.hashes.entry(key.to_owned()).or_default();
        hash.insert(field.to_owned(), value.to_owned());
    }

    pub(super) fn remove_field(&mut self, key: &str, field: &str) {
        if let Some(hash) = self.hashes.get_mut(key) {
            hash.remove(field);
            if hash.is_empty() {
                self.hashes.remove(key);
            }
        }
    }

    pub(super) fn field(&self, key: &str, field: &str) -> Option<&str> {
        self.hashes.get(key)?.get(field).map(String::as_str)
    }

    pub(super) fn fields(&self, key: &str) -> Vec<String> {
        self.hashes
            .get(key)
            .map_or_else(Vec::new, |hash| hash.keys().cloned().collect())
    }

    /// Everything, as text: members with their scores, fields with their values.
    pub(super) fn contents(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let sets = self.sets.iter().map(|(key, set)| {
            let members = set.iter().map(|member| (member.clone(), String::new()));
            (key.clone(), members.collect())
        });
        let sorted = self.sorted.iter().map(|(key, sorted)| {
            let scores = sorted.scores.iter();
            let scores = scores.map(|(member, score)| (member.clone(), score.to_string()));
            (key.clone(), scores.collect())
        });
        let hashes = self.hashes.iter();
        let hashes = hashes.map(|(key, hash)| (key.clone(), hash.clone()));
        sets.chain(sorted).chain(hashes).collect()
    }

    pub(super) fn number(&self, key: &str, field: &str) -> Option<i64> {
        self.field(key, field)?.parse().ok()
    }
}
