//! Reads the rows of `region_view.lua` back.

use crate::fairness::{Head, RegionView, SourceView};
use crate::store::lane::Lane;

/// The view; none when a row is not what the script writes.
pub(super) fn read(rows: &[String]) -> Option<RegionView> {
    let mut view = RegionView::default();
    for row in rows {
        let mut words = row.split_whitespace();
        match words.next()? {
            "running" => view.running = words.next()?.parse().ok()?,
            "source" => {
                words.next()?;
                view.sources.push(SourceView {
                    running: words.next()?.parse().ok()?,
                    heads: Vec::new(),
                });
            }
            "head" => {
                let lane = Lane {
                    source: words.next()?.to_owned(),
                    tenant: words.next()?.to_owned(),
                };
                view.sources.last_mut()?.heads.push(Head {
                    lane,
                    virtual_time: words.next()?.parse().ok()?,
                    jobs: words.map(|id| id.parse().ok()).collect::<Option<_>>()?,
                });
            }
            _ => return None,
        }
    }
    Some(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_nonsense_is_not() {
        let rows = |rows: &[&str]| rows.iter().map(ToString::to_string).collect::<Vec<_>>();
        let id = "33911588-c299-4369-a240-7e5b741cdb6a";
        let view = read(&rows(&[
            "running 3",
            "source ot1 2",
            &format!("head ot1 t 7 {id}"),
        ]));
        let view = view.expect("well-formed");
        assert_eq!((view.running, view.sources[0].running), (3, 2));
        let head = &view.sources[0].heads[0];
        assert_eq!((head.virtual_time, head.jobs.len()), (7, 1));
        assert_eq!(read(&rows(&["head ot1 t 7"])), None);
        assert_eq!(read(&rows(&["nonsense"])), None);
    }
}
