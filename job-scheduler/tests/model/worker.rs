//! A worker at a unit: which Glance requests it sends in which order, and what it makes of the answers.
//!
//! It follows `copy-engine` (`pipeline`, `settle`, `remove`, `create`, `transfer`, `verify`, `reveal`) and
//! `copy-worker` (`unit`, `attempt`, `lease`) step by step. One step is one request to Glance, or the decision after one;
//! between any two of them everybody else may act. What the gate withholds is no step: the unit waits.

use domain::UnitKind;

use crate::calls::{End, Granted};
use crate::flaw::Flaw;
use crate::glance::{Image, Images as Glance, Said, Standing, Upload, Write};
use crate::view::{ImageSet, bit, members};

/// An upload that the destination drops is repeated so often (three times in the product).
const REPEATS: u8 = 1;

/// A unit that is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Unit {
    pub(crate) job: u8,
    pub(crate) is_copy: bool,
    pub(crate) attempt: u8,
    pub(crate) token: u8,
    pub(crate) leftovers: ImageSet,
    pub(crate) settled: ImageSet,
    /// The image that it has made; 0 is none.
    pub(crate) image: Image,
    /// Its lease has not run out by its own clock.
    pub(crate) valid: bool,
    /// Whether its own image may still come to life although Glance does not show it.
    pub(crate) own_may_come: bool,
    /// The process stands still right behind the gate: its next request is permitted, whenever it is sent.
    pub(crate) frozen: bool,
    pub(crate) at: At,
}

/// Where a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum At {
    LookAtOwn,
    Removing(Removing),
    ReadSource,
    Create,
    FindCreated { answered: bool },
    StartUpload { repeats: u8 },
    Uploading { repeats: u8 },
    Verify,
    Reveal { image: Image },
    Tell(End),
}

/// An image on its way out, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Removing {
    pub(crate) why: Why,
    image: Image,
    /// Images that are not tried again in this round.
    tried: ImageSet,
    /// It may come to life although Glance does not show it.
    may_come: bool,
    spare_whole: bool,
    next: Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Next {
    Look,
    Bury,
    Mark,
    Delete,
}

/// What a removal belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Why {
    /// Before an attempt makes anything. 0: nothing to adopt yet.
    Settle { adopted: Image, failed: bool },
    /// The attempt's own image, when another was adopted.
    Adopted(Image),
    /// The attempt's own image, after a failure or handed back.
    Retreat(End),
    /// The attempt's own image, after a cancel.
    Cancel,
    /// Everything that is left: after that, in a clean-up, or because the end came too late.
    Clean,
}

/// What a unit does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Looks, or decides; nothing is sent that changes anything.
    Goes(Unit),
    /// Sends a request, once the gate lets it.
    Writes(Image, Write),
    /// Waits for an upload.
    Waits,
    /// Says how it ended.
    Tells(End),
}

impl Unit {
    pub(crate) fn new(granted: &Granted) -> Self {
        let is_copy = granted.kind == UnitKind::Copy;
        let mut unit = Self {
            job: granted.job,
            is_copy,
            attempt: granted.attempt,
            token: granted.token,
            leftovers: granted.leftovers,
            settled: 0,
            image: 0,
            valid: true,
            own_may_come: false,
            frozen: false,
            at: At::LookAtOwn,
        };
        if !is_copy {
            unit.at = unit.remove_next(Why::Clean, 0);
        } else if granted.cancel {
            unit.cancel();
        }
        unit
    }

    /// Whether it says that it is cleaning.
    pub(crate) const fn is_cleaning(&self) -> bool {
        matches!(
            self.at,
            At::Removing(Removing {
                why: Why::Cancel | Why::Clean,
                ..
            }) | At::Tell(End::Cleaned)
        )
    }

    /// Whether an attempt has settled what was before it, and makes an image of its own.
    pub(crate) const fn has_settled(&self) -> bool {
        self.is_copy
            && matches!(
                self.at,
                At::ReadSource
                    | At::Create
                    | At::FindCreated { .. }
                    | At::StartUpload { .. }
                    | At::Uploading { .. }
                    | At::Verify
            )
    }

    pub(crate) const fn is_uploading(&self) -> bool {
        matches!(self.at, At::Uploading { .. })
    }

    /// The image that it reports as the job's; 0 is none.
    pub(crate) const fn reported_image(&self) -> Image {
        match self.at {
            At::Reveal { image }
            | At::Removing(Removing {
                why: Why::Adopted(image),
                ..
            })
            | At::Tell(End::Replicated(image)) => image,
            _ => self.image,
        }
    }

    /// The job is canceled or given up: the copy ends, and nothing stays. Work that is its answer goes on.
    pub(crate) fn cancel(&mut self) {
        match self.at {
            At::Removing(Removing {
                why: Why::Cancel | Why::Clean,
                ..
            })
            | At::Tell(_) => {}
            _ => self.at = self.remove_own(Why::Cancel, false),
        }
    }

    /// The worker has no time left.
    pub(crate) fn hand_back(&mut self) {
        match self.at {
            At::Tell(_)
            | At::Removing(Removing {
                why: Why::Cancel | Why::Retreat(_),
                ..
            }) => {}
            At::Removing(Removing {
                why: Why::Clean, ..
            }) if self.is_copy => {}
            _ if self.is_copy => self.at = self.remove_own(Why::Retreat(End::HandedBack), true),
            _ => self.at = At::Tell(End::HandedBack),
        }
    }

    /// The end was told too late: everything goes, its own image included.
    pub(crate) fn discard(&mut self) {
        self.leftovers |= bit(self.attempt);
        self.at = self.remove_next(Why::Clean, 0);
    }

    /// The attempt fails.
    pub(crate) fn fail(&mut self, end: End) {
        let spare = end != End::Differs;
        self.at = self.remove_own(Why::Retreat(end), spare);
    }

    /// What it does next, by what Glance shows.
    pub(crate) fn next(mut self, worker: u8, glance: &Glance, flaw: Flaw) -> Does {
        match self.at {
            At::LookAtOwn => {
                let adopts =
                    glance.may_adopt(self.attempt, flaw) && flaw != Flaw::RemoveInsteadOfAdopt;
                let adopted = if adopts { self.attempt } else { 0 };
                self.at = self.remove_next(
                    Why::Settle {
                        adopted,
                        failed: false,
                    },
                    0,
                );
                Does::Goes(self)
            }
            At::Removing(removing) => self.removes(removing, glance, flaw),
            At::ReadSource => {
                self.at = At::Create;
                Does::Goes(self)
            }
            At::Create => Does::Writes(self.attempt, Write::Create { tombstone: false }),
            At::FindCreated { answered } => {
                let found = glance.show(self.attempt);
                if found.exists() || answered {
                    self.own_may_come = false;
                }
                if matches!(found, Standing::Queued { .. }) {
                    self.created();
                } else {
                    self.fail(End::Failed { transient: true });
                }
                Does::Goes(self)
            }
            At::StartUpload { .. } => Does::Writes(self.attempt, Write::Upload { worker }),
            At::Uploading { repeats } => match glance.show(self.attempt) {
                Standing::Saving(Upload::From(by)) if by == worker => Does::Waits,
                standing => {
                    self.uploaded(standing, repeats);
                    Does::Goes(self)
                }
            },
            At::Verify => {
                match glance.show(self.attempt) {
                    Standing::Unseen | Standing::Gone => {
                        self.fail(End::Failed { transient: false })
                    }
                    found if found.is_whole() => {
                        self.at = At::Reveal {
                            image: self.attempt,
                        }
                    }
                    _ => self.fail(End::Differs),
                }
                Does::Goes(self)
            }
            At::Reveal { image } => Does::Writes(image, Write::Reveal),
            At::Tell(end) => Does::Tells(end),
        }
    }

    /// Goes on after an answer.
    pub(crate) fn hears(&mut self, said: Said) {
        match self.at {
            At::Create => {
                self.own_may_come = false;
                match said {
                    Said::Done => self.created(),
                    _ => self.at = At::FindCreated { answered: true },
                }
            }
            At::StartUpload { repeats } => match said {
                Said::Done => self.at = At::Uploading { repeats },
                Said::NotFound => self.fail(End::Failed { transient: false }),
                Said::Conflict | Said::BadRequest => self.fail(End::Failed { transient: true }),
            },
            At::Reveal { image } => match said {
                Said::Done if image == self.attempt => self.at = At::Tell(End::Replicated(image)),
                Said::Done => self.at = self.remove_own(Why::Adopted(image), false),
                _ => self.fail(End::Failed { transient: false }),
            },
            At::Removing(mut removing) => match removing.next {
                Next::Bury => {
                    removing.may_come = false;
                    removing.next = Next::Look;
                    self.at = At::Removing(removing);
                }
                Next::Mark => {
                    removing.next = Next::Delete;
                    self.at = At::Removing(removing);
                }
                Next::Delete => self.is_removed(removing),
                Next::Look => unreachable!("a look is no write"),
            },
            at => unreachable!("{at:?} writes nothing"),
        }
    }

    /// Goes on without an answer, which may still come to pass.
    pub(crate) fn hears_nothing(&mut self) {
        match self.at {
            At::Create => {
                self.own_may_come = true;
                self.at = At::FindCreated { answered: false };
            }
            // Glance is asked how the image stands.
            At::StartUpload { repeats } => self.at = At::Uploading { repeats },
            At::Reveal { .. } => self.fail(End::Failed { transient: true }),
            At::Removing(removing) => self.is_not_removed(removing),
            at => unreachable!("{at:?} writes nothing"),
        }
    }

    fn created(&mut self) {
        self.image = self.attempt;
        self.at = At::StartUpload { repeats: 0 };
    }

    /// An upload is over, one way or another.
    fn uploaded(&mut self, standing: Standing, repeats: u8) {
        match standing {
            Standing::Active { .. } => self.at = At::Verify,
            Standing::Queued { .. } if repeats < REPEATS => {
                self.at = At::StartUpload {
                    repeats: repeats + 1,
                };
            }
            Standing::Queued { .. } | Standing::Saving(_) => {
                self.fail(End::Failed { transient: true });
            }
            Standing::Unseen | Standing::Gone => self.fail(End::Failed { transient: false }),
        }
    }

    fn removes(mut self, mut removing: Removing, glance: &Glance, flaw: Flaw) -> Does {
        let image = removing.image;
        match removing.next {
            Next::Bury => return Does::Writes(image, Write::Create { tombstone: true }),
            Next::Mark => return Does::Writes(image, Write::Mark),
            Next::Delete => return Does::Writes(image, Write::Delete),
            Next::Look => {}
        }
        let found = glance.show(image);
        if !found.exists() {
            if removing.may_come && flaw != Flaw::NoTombstone {
                removing.next = Next::Bury;
                self.at = At::Removing(removing);
            } else {
                self.is_removed(removing);
            }
        } else if removing.spare_whole
            && glance.may_adopt(image, flaw)
            && flaw != Flaw::RemoveInsteadOfAdopt
        {
            match removing.why {
                Why::Settle { failed, .. } => {
                    self.at = self.remove_next(
                        Why::Settle {
                            adopted: image,
                            failed,
                        },
                        removing.tried | bit(image),
                    );
                }
                Why::Retreat(end) => self.at = At::Tell(end),
                why => unreachable!("{why:?} spares nothing"),
            }
        } else {
            removing.may_come = false;
            let is_tombstone = found == (Standing::Queued { tombstone: true });
            let is_marked = is_tombstone || glance.is_marked(image);
            removing.next = match is_marked {
                true => Next::Delete,
                false => Next::Mark,
            };
            self.at = At::Removing(removing);
        }
        Does::Goes(self)
    }

    fn is_removed(&mut self, removing: Removing) {
        self.settled |= bit(removing.image);
        if self.image == removing.image {
            self.image = 0;
        }
        self.after(removing.why, removing.tried | bit(removing.image));
    }

    fn is_not_removed(&mut self, removing: Removing) {
        let why = match removing.why {
            Why::Settle { adopted, .. } => Why::Settle {
                adopted,
                failed: true,
            },
            why => why,
        };
        self.after(why, removing.tried | bit(removing.image));
    }

    fn after(&mut self, why: Why, tried: ImageSet) {
        self.at = match why {
            Why::Adopted(image) => At::Tell(End::Replicated(image)),
            Why::Retreat(end) => At::Tell(end),
            Why::Cancel => {
                // What the attempt made itself is done with; the rest has not been tried.
                self.remove_next(Why::Clean, bit(self.attempt))
            }
            Why::Settle { .. } | Why::Clean => self.remove_next(why, tried),
        };
    }

    fn remove_own(&self, why: Why, spare_whole: bool) -> At {
        At::Removing(Removing {
            why,
            image: self.attempt,
            tried: 0,
            may_come: self.own_may_come,
            spare_whole,
            next: Next::Look,
        })
    }

    /// The next of the leftovers; when there is none, what follows.
    fn remove_next(&self, why: Why, tried: ImageSet) -> At {
        let open = self.leftovers & !self.settled & !tried;
        let spare_whole = matches!(why, Why::Settle { adopted: 0, .. });
        match (members(open).next(), why) {
            (Some(image), _) => At::Removing(Removing {
                why,
                image,
                tried,
                may_come: true,
                spare_whole,
                next: Next::Look,
            }),
            (
                None,
                Why::Settle {
                    adopted: 0,
                    failed: false,
                },
            ) => At::ReadSource,
            (
                None,
                Why::Settle {
                    adopted: 0,
                    failed: true,
                },
            ) => self.remove_own(Why::Retreat(End::Failed { transient: true }), true),
            (None, Why::Settle { adopted, .. }) => At::Reveal { image: adopted },
            (None, _) => At::Tell(End::Cleaned),
        }
    }
}
