//! How often a stream writes, in paused time.

use std::time::Duration;

use futures::stream;
use service_kit::ManualClock;
use tokio::time::sleep;

use super::*;
use crate::lifecycle::sample::{at, granted, report_of};
use crate::serving::tests::{jobs, shape};
use crate::store::Store as _;
use crate::store::memory::MemoryStore;

/// Seconds that the worker reports, reports of each second, and the time between them.
const SECONDS: u64 = 10;
const A_SECOND: u64 = 1_000;
const BETWEEN: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn however_fast_a_worker_reports_its_job_is_written_twice_a_second() {
    let record = granted();
    let id = record.id;
    let shape = shape(&["ot1", "ot2"]);
    let stored = Stored {
        record: record.clone(),
        version: 1,
    };
    let store = MemoryStore::holding(shape.clone(), [stored], at(0));
    let before = store.sequence().await.expect("answers");
    let (answers, mut directives) = mpsc::channel::<Result<Answer, Status>>(8);
    let hearing = tokio::spawn(async move {
        let mut told = 0;
        while let Some(Ok(answer)) = directives.recv().await {
            told = answer.reports_committed;
        }
        told
    });
    let last = SECONDS * A_SECOND;
    let reports = stream::iter(1..=last).then(|bytes| {
        let report = report_of(&record, bytes);
        async move {
            sleep(BETWEEN).await;
            Ok(report)
        }
    });
    let jobs = jobs(store.clone(), ManualClock::at(at(1)), shape);
    let shutdown = CancellationToken::new();
    let feed = ChangeFeed::default();
    serve(jobs, feed, Box::pin(reports), answers, shutdown).await;

    let writes = store.sequence().await.expect("answers") - before;
    // Besides those twice a second: the first report, which waits for nothing, and what was said last.
    let most = SECONDS * 2 + 2;
    assert!((SECONDS * 2..=most).contains(&writes), "{writes} writes");
    let stands = store.load(id).await.expect("answers").expect("exists");
    assert_eq!(stands.record.bytes_copied, last);
    // What is written at the stream's end is answered by its end.
    let told = hearing.await.expect("no panic");
    assert!(told > last - A_SECOND && told < last, "{told}");
}
