//! Schedulers and workers: started, stopped as in a rolling restart, or killed.

use super::World;
use crate::process::Process;
use crate::scenario::Role;
use crate::scheduler::RunningScheduler;
use crate::store::RemoteStore;
use crate::worker::RunningWorker;

impl World {
    pub(super) fn start(&mut self, role: Role) {
        self.started += 1;
        match role {
            Role::Scheduler(number) if self.schedulers[number].is_none() => {
                let store = RemoteStore {
                    store: self.store.clone(),
                    scheduler: Process::new(format!("scheduler {number}/{}", self.started)),
                    weather: self.weather.clone(),
                    clock: self.clock.clone(),
                    hang_up: self.hang_up.clone(),
                    standby: self.standby.clone(),
                };
                let clock = self.clock.another();
                let (running, endpoint) =
                    RunningScheduler::start(store, clock, &self.broker, &self.setting);
                self.network.attach(number, endpoint);
                self.schedulers[number] = Some(running);
            }
            Role::Worker(number) if self.workers[number].is_none() => {
                let worker = RunningWorker::start(
                    Process::new(format!("worker {number}/{}", self.started)),
                    number,
                    &self.network,
                    &self.broker,
                    &self.cloud,
                    &self.setting,
                );
                self.workers[number] = Some(worker);
            }
            // Somebody started it meanwhile.
            Role::Scheduler(_) | Role::Worker(_) => {}
        }
    }

    pub(super) fn start_missing(&mut self) {
        for number in 0..self.schedulers.len() {
            self.start(Role::Scheduler(number));
        }
        for number in 0..self.workers.len() {
            self.start(Role::Worker(number));
        }
    }

    pub(super) fn crash(&mut self, role: Role) {
        match role {
            Role::Scheduler(number) => {
                self.network.detach(number);
                if let Some(scheduler) = self.schedulers[number].take() {
                    scheduler.kill();
                }
            }
            Role::Worker(number) => {
                if let Some(worker) = self.workers[number].take() {
                    worker.kill();
                }
            }
        }
    }

    /// As in a rolling restart: the next one is there while this one ends.
    pub(super) fn stop(&mut self, role: Role) {
        match role {
            Role::Scheduler(number) => {
                self.network.detach(number);
                if let Some(scheduler) = self.schedulers[number].take() {
                    tokio::spawn(scheduler.stop());
                }
            }
            Role::Worker(number) => {
                if let Some(worker) = self.workers[number].take() {
                    tokio::spawn(worker.stop());
                }
            }
        }
        self.start(role);
    }

    pub(super) fn process(&self, role: Role) -> Option<Process> {
        match role {
            Role::Scheduler(number) => {
                let scheduler = self.schedulers.get(number)?.as_ref()?;
                Some(scheduler.process.clone())
            }
            Role::Worker(number) => {
                let worker = self.workers.get(number)?.as_ref()?;
                Some(worker.process.clone())
            }
        }
    }
}
