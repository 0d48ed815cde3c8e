//! Puts the parts back in order: the front's frames go straight to the upload, the others' wait in memory for their turn,
//! and a part without memory makes its connection wait.

use std::time::Duration;

use futures::FutureExt;

use super::lane::{Lane, spend};
use super::parts::Standing;
use super::{Over, Running};
use crate::transfer::pile::{Frame, Pile};
use crate::transfer::read_ahead::{Offered, UploadEnded};

impl Running<'_> {
    /// Hands a frame on, or keeps it until its turn comes; without memory for it, its connection waits.
    pub(super) fn place(
        &mut self,
        start: u64,
        frame: Frame,
        lane: Option<Lane>,
    ) -> Result<(), Over> {
        let is_front = self.parts.front() == Some(start);
        let Some(part) = self.parts.get(start) else {
            return Ok(());
        };
        let offered = match is_front {
            true => self.filler.offer(&frame)?,
            false => match part.pile.push(&frame, self.filler.share(), false) {
                true => Offered::Taken,
                false => Offered::NoRoom,
            },
        };
        if offered == Offered::NoRoom {
            self.seen.was_full = true;
            part.standing = Standing::Blocked(frame, lane);
            return Ok(());
        }
        if let Some(hasher) = self.download.hasher.as_mut().filter(|_| is_front) {
            hasher.update(&frame.bytes);
        }
        part.reached += frame.bytes.len() as u64;
        part.standing = Standing::Underway;
        if part.reached < part.end {
            match lane {
                Some(lane) => self.read(start, lane),
                None => self.wait(start, Duration::ZERO),
            }
            return Ok(());
        }
        part.standing = Standing::Done;
        if let Some(lane) = lane
            && part.asked_to == part.end
        {
            let patience = self.patience(true);
            self.lanes.push(spend(start, lane, patience).boxed());
        }
        match is_front {
            true => self.advance(),
            false => Ok(()),
        }
    }

    /// The front is handed on: the next part is it.
    fn advance(&mut self) -> Result<(), Over> {
        loop {
            self.parts.remove_front();
            if self.parts.are_over() {
                self.filler.complete()?;
                return Err(Over::Complete);
            }
            let front = self.parts.front();
            let Some(part) = front.and_then(|front| self.parts.get(front)) else {
                return Ok(());
            };
            let pile = std::mem::take(&mut part.pile);
            let is_done = matches!(part.standing, Standing::Done);
            self.hand_on(pile)?;
            if !is_done {
                return Ok(());
            }
        }
    }

    fn hand_on(&mut self, pile: Pile) -> Result<(), UploadEnded> {
        if let Some(hasher) = &mut self.download.hasher {
            pile.slices().for_each(|bytes| hasher.update(bytes));
        }
        self.filler.append(pile)
    }

    /// Something was freed: the parts that wait for memory try again, the front first.
    pub(super) fn unblock(&mut self) -> Result<(), Over> {
        for start in self.parts.blocked() {
            let Some(part) = self.parts.get(start) else {
                continue;
            };
            let blocked = std::mem::replace(&mut part.standing, Standing::Underway);
            let Standing::Blocked(frame, lane) = blocked else {
                part.standing = blocked;
                continue;
            };
            self.place(start, frame, lane)?;
        }
        Ok(())
    }
}
