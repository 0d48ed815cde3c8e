//! The check of leftovers finds a password or token that is put where none may be, and says where.

use anyhow::{Context, ensure};
use lapin::BasicProperties;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use testbed::{Region, TestBed};

#[tokio::test]
async fn a_secret_in_a_log_in_redis_or_in_a_message_is_told() -> anyhow::Result<()> {
    let bed = TestBed::builder().without_services().start().await?;
    let token = bed.cloud("alice", Region::Ot1).await?.token;
    bed.check_leftovers().await?;

    let log = bed.directory().join("log/worker-1.log");
    std::fs::write(&log, format!("DEBUG asks with x-auth-token={token}\n"))?;
    expect_told(&bed, &["worker-1.log: ", &token[..100]]).await?;
    std::fs::remove_file(&log)?;
    bed.check_leftovers().await?;

    let mut redis = bed.redis().await?;
    for command in [
        ["HSET", "a hash", "user", "bob-password"].as_slice(),
        &["RPUSH", "a list", "carol-password"],
        &["XADD", "a stream", "*", "user", "rita-password"],
        &["ZADD", "a sorted set", "1", "guest:guest"],
    ] {
        let (name, arguments) = command.split_first().context("a command")?;
        redis::cmd(name)
            .arg(arguments)
            .exec_async(&mut redis)
            .await?;
        let key = format!("redis: {}: ", arguments[0]);
        let secret = arguments.last().context("a secret")?;
        expect_told(&bed, &[&key, secret]).await?;
        redis::cmd("DEL")
            .arg(arguments[0])
            .exec_async(&mut redis)
            .await?;
        // What is gone from Redis is still in its file.
        expect_told(&bed, &["redis/appendonlydir/", secret]).await?;
    }

    // Somebody may have heard it by now.
    send(&bed, "a message for alice-password").await?;
    expect_told(&bed, &["rabbitmq/", "a message for alice-password"]).await?;
    bed.end().await
}

/// The check must fail, and one line of what it says must have all these words.
async fn expect_told(bed: &TestBed, words: &[&str]) -> anyhow::Result<()> {
    let told = bed.check_leftovers().await.err().context("it is clean")?;
    let told = told.to_string();
    let is_told = |line: &str| words.iter().all(|word| line.contains(word));
    ensure!(told.lines().any(is_told), "{words:?} expected: {told}");
    Ok(())
}

/// Has a queue like ours hold a message, which then goes.
async fn send(bed: &TestBed, text: &str) -> anyhow::Result<()> {
    let connection = bed.amqp().await?;
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let mut quorum = FieldTable::default();
    quorum.insert(
        "x-queue-type".into(),
        AMQPValue::LongString("quorum".into()),
    );
    channel
        .queue_declare("planted".into(), durable, quorum)
        .await?;
    let persistent = BasicProperties::default().with_delivery_mode(2);
    let options = BasicPublishOptions::default();
    channel
        .basic_publish(
            "".into(),
            "planted".into(),
            options,
            text.as_bytes(),
            persistent,
        )
        .await?
        .await?;
    channel
        .queue_purge("planted".into(), QueuePurgeOptions::default())
        .await?;
    Ok(connection.close(200, "done".into()).await?)
}
