//! What becomes of uploads at Glance, and of requests that their senders have given up.

use crate::glance::{Image, Standing, Upload, Write};
use crate::world::World;

use super::{Action, Steps};

impl Steps<'_> {
    pub(super) fn glance(&mut self) {
        if let Some(slow) = self.before.slow {
            let mut after = self.before.clone();
            after.slow = None;
            let images = &mut after.glance[usize::from(slow.job)];
            images.write(slow.image, slow.write);
            if let Write::Upload { worker } = slow.write {
                images.close_uploads(worker);
            }
            self.take(Action::Arrive, after, false, vec!["requests arrived late"]);
            let mut after = self.before.clone();
            after.slow = None;
            self.take(Action::Arrive, after, false, Vec::new());
        }
        for job in 0..self.life.jobs {
            let images = self.before.glance[usize::from(job)];
            for (image, standing) in images.all() {
                if let Standing::Saving(upload) = standing {
                    self.upload(job, image, upload);
                }
            }
        }
    }

    fn upload(&mut self, job: u8, image: Image, upload: Upload) {
        let become_ = |steps: &mut Self, after: Option<World>, becomes, fair, seen| {
            if let Some(mut after) = after {
                after.glance[usize::from(job)].set(image, becomes);
                steps.take(
                    Action::Upload {
                        job,
                        image,
                        becomes,
                    },
                    after,
                    fair,
                    seen,
                );
            }
        };
        let whole = Standing::Active {
            same: true,
            shown: false,
        };
        let other = Standing::Active {
            same: false,
            shown: false,
        };
        let queued = Standing::Queued { tombstone: false };
        let stuck = Standing::Saving(Upload::Stuck);
        match upload {
            Upload::From(_) => {
                become_(self, Some(self.before.clone()), whole, true, vec![]);
                let dropped = self.spend(|faults| &mut faults.drops);
                become_(self, dropped, queued, false, vec!["uploads dropped"]);
            }
            Upload::Closing => {
                become_(self, Some(self.before.clone()), queued, true, vec![]);
                become_(
                    self,
                    Some(self.before.clone()),
                    whole,
                    false,
                    vec!["uploads whole behind their workers"],
                );
            }
            Upload::Stuck => return,
        }
        let differs = self.spend(|faults| &mut faults.differences);
        become_(
            self,
            differs,
            other,
            false,
            vec!["uploads with other bytes"],
        );
        let sticks = self.spend(|faults| &mut faults.stuck);
        become_(self, sticks, stuck, false, vec!["uploads stuck"]);
    }
}
