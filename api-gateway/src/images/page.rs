//! A page of a list: read from Glance piece by piece, until it is full or enough was read for one
//! request.
//!
//! Whatever filters Glance does not have are applied to what it lists. A page may then be short, or
//! empty, with more to follow: its `next` says where the next request goes on. So no request reads
//! more than [`MOST_PIECES`] × [`LARGEST_PIECE`] images, whatever it asks for.

use domain::ImageId;
use openstack::{Image, ImagePage};

use super::query::ImageQuery;

/// Images that are read at once: half of what Glance gives at most, for theirs may be long.
const LARGEST_PIECE: u32 = 500;
/// Pieces that are read for one request.
const MOST_PIECES: usize = 10;

/// A page that is being read.
#[derive(Debug)]
pub(super) struct PageReader<'a> {
    query: &'a ImageQuery,
    images: Vec<Image>,
    /// Where to go on; none at the beginning of the list.
    marker: Option<ImageId>,
    /// Pieces that may still be read.
    pieces_left: usize,
}

/// What to ask Glance for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// The most images to list.
    pub limit: u32,
    /// From behind this one.
    pub marker: Option<ImageId>,
}

impl<'a> PageReader<'a> {
    /// A reader of the page that `query` asks for.
    pub(super) fn new(query: &'a ImageQuery) -> Self {
        Self {
            query,
            images: Vec::new(),
            marker: query.marker,
            pieces_left: MOST_PIECES,
        }
    }

    /// What is to be read next; none when the page is whole.
    pub(super) fn next_piece(&mut self) -> Option<Piece> {
        self.pieces_left = self.pieces_left.checked_sub(1)?;
        // One more than asked for tells whether another page follows.
        let missing = u32::try_from(self.query.limit + 1 - self.images.len());
        let limit = match missing {
            Ok(missing) if self.query.filters.are_glances() => missing.min(LARGEST_PIECE),
            Ok(_) | Err(_) => LARGEST_PIECE,
        };
        Some(Piece {
            limit,
            marker: self.marker,
        })
    }

    /// Takes what was read.
    pub(super) fn add(&mut self, piece: ImagePage) {
        let filters = &self.query.filters;
        let admitted = piece
            .images
            .into_iter()
            .filter(|image| filters.admit(image));
        self.images.extend(admitted);
        self.marker = piece.next;
        if self.images.len() > self.query.limit {
            self.images.truncate(self.query.limit);
            self.marker = self.images.last().map(|last| last.id);
            self.pieces_left = 0;
        } else if self.marker.is_none() {
            self.pieces_left = 0;
        }
    }

    /// The page.
    pub(super) fn into_page(self) -> ImagePage {
        ImagePage {
            images: self.images,
            next: self.marker,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::sample;

    /// A Glance with so many images, numbered in their ids; every third has the property.
    fn images(count: u32) -> Vec<Image> {
        (0..count)
            .map(|number| {
                let mut image = sample::image();
                image.id = format!("00000000-0000-4000-8000-{number:012}")
                    .parse()
                    .expect("an id");
                if number.is_multiple_of(3) {
                    image
                        .properties
                        .insert("colour".to_owned(), "red".to_owned());
                }
                image
            })
            .collect()
    }

    fn piece_of(all: &[Image], piece: Piece) -> ImagePage {
        let (size, marker) = (piece.limit as usize, piece.marker);
        let begin = marker.map_or(0, |marker| {
            all.iter()
                .position(|image| image.id == marker)
                .expect("the marker")
                + 1
        });
        let end = all.len().min(begin + size);
        let images = all[begin..end].to_vec();
        // As Glance does: a full page has a next one, be it empty.
        let next = images
            .last()
            .filter(|_| images.len() == size)
            .map(|last| last.id);
        ImagePage { images, next }
    }

    /// The sizes of all pages until the last one, and the largest number of pieces for one.
    fn pages(all: &[Image], query: &str) -> (Vec<usize>, usize) {
        let (mut sizes, mut most_pieces, mut seen) = (Vec::new(), 0, Vec::new());
        let mut query = ImageQuery::parse(query).expect(query);
        loop {
            let (mut reader, mut pieces) = (PageReader::new(&query), 0);
            while let Some(piece) = reader.next_piece() {
                pieces += 1;
                reader.add(piece_of(all, piece));
            }
            let page = reader.into_page();
            most_pieces = most_pieces.max(pieces);
            sizes.push(page.images.len());
            seen.extend(page.images.iter().map(|image| image.id));
            match page.next {
                Some(next) => query.marker = Some(next),
                None => break,
            }
        }
        let all = all.iter().filter(|image| query.filters.admit(image));
        assert_eq!(seen, all.map(|image| image.id).collect::<Vec<_>>());
        (sizes, most_pieces)
    }

    #[test]
    fn pages_are_full_and_the_last_one_says_so() {
        let all = images(12);
        assert_eq!(pages(&all, "limit=5"), (vec![5, 5, 2], 1));
        assert_eq!(pages(&all, "limit=6"), (vec![6, 6], 1));
        assert_eq!(pages(&all, "limit=12"), (vec![12], 1));
        assert_eq!(pages(&all, ""), (vec![12], 1));
        assert_eq!(pages(&[], ""), (vec![0], 1));
    }

    #[test]
    fn a_page_may_take_several_pieces() {
        let all = images(1600);
        assert_eq!(pages(&all, ""), (vec![1000, 600], 3));
        let query = "property-colour=red&limit=400";
        assert_eq!(pages(&all, query), (vec![400, 134], 3));
    }

    #[test]
    fn a_search_without_an_end_is_cut_into_requests() {
        let all = images(12_000);
        let (sizes, most_pieces) = pages(&all, "property-colour=blue");
        assert_eq!((sizes, most_pieces), (vec![0, 0, 0], MOST_PIECES));
    }
}
