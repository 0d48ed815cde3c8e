//! Each behaviour, between a client and a server that sends back what it gets.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::{Behaviour, FaultProxy};
use crate::wait::eventually;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server that echoes, a proxy before it, and a connection that has been through both.
async fn echo() -> anyhow::Result<(FaultProxy, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = FaultProxy::listen(listener.local_addr()?.port())?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                // Ends when the test breaks the connection.
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).await?;
    expect_echo(&mut client).await?;
    Ok((proxy, client))
}

async fn expect_echo(client: &mut TcpStream) -> anyhow::Result<()> {
    client.write_all(b"hello").await?;
    let mut answer = [0; 5];
    timeout(PATIENCE, client.read_exact(&mut answer)).await??;
    assert_eq!(&answer, b"hello");
    Ok(())
}

async fn expect_reset(client: &mut TcpStream) -> anyhow::Result<()> {
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, client.read_to_end(&mut rest)).await?;
    let kind = end.map_err(|error| error.kind());
    assert_eq!(kind, Err(ErrorKind::ConnectionReset));
    Ok(())
}

#[tokio::test]
async fn connections_pass_and_are_counted() -> anyhow::Result<()> {
    let (proxy, mut client) = echo().await?;
    let traffic = proxy.traffic();
    assert_eq!((traffic.opened, traffic.open), (1, 1));
    assert_eq!((traffic.to_upstream, traffic.to_client), (5, 5));
    client.shutdown().await?;
    assert_eq!(client.read(&mut [0; 8]).await?, 0, "the end is passed on");
    eventually(PATIENCE, "the connection's end", || async {
        anyhow::ensure!(proxy.traffic().open == 0);
        Ok(())
    })
    .await?;
    assert_eq!(proxy.traffic().broken, 0);
    Ok(())
}

#[tokio::test]
async fn a_reset_takes_open_connections_and_new_ones() -> anyhow::Result<()> {
    let (proxy, mut client) = echo().await?;
    proxy.set(Behaviour::Reset);
    expect_reset(&mut client).await?;
    let mut next = TcpStream::connect(("127.0.0.1", proxy.port())).await?;
    expect_reset(&mut next).await?;
    assert_eq!(proxy.traffic().broken, 2);
    proxy.set(Behaviour::Pass);
    let mut next = TcpStream::connect(("127.0.0.1", proxy.port())).await?;
    expect_echo(&mut next).await
}

#[tokio::test]
async fn a_black_hole_keeps_bytes_and_connections_until_it_ends() -> anyhow::Result<()> {
    let (proxy, mut client) = echo().await?;
    proxy.set(Behaviour::BlackHole);
    let mut next = TcpStream::connect(("127.0.0.1", proxy.port())).await?;
    for stream in [&mut client, &mut next] {
        stream.write_all(b"hello").await?;
        let answer = timeout(Duration::from_millis(200), stream.read(&mut [0; 8])).await;
        assert!(answer.is_err(), "an answer came: {answer:?}");
    }
    assert_eq!(proxy.traffic().to_upstream, 5);
    proxy.set(Behaviour::Pass);
    for stream in [&mut client, &mut next] {
        let mut answer = [0; 5];
        timeout(PATIENCE, stream.read_exact(&mut answer)).await??;
        assert_eq!(&answer, b"hello");
    }
    Ok(())
}

#[tokio::test]
async fn a_cut_comes_after_exactly_so_many_bytes() -> anyhow::Result<()> {
    let (proxy, mut client) = echo().await?;
    proxy.set(Behaviour::Cut { after: 7 });
    client.write_all(b"0123456789").await?;
    expect_reset(&mut client).await?;
    let traffic = proxy.traffic();
    assert_eq!(traffic.to_upstream, 5 + 7);
    assert_eq!(traffic.broken, 1);
    Ok(())
}

#[tokio::test]
async fn a_hold_comes_after_exactly_so_many_bytes_and_ends_with_all_of_them() -> anyhow::Result<()>
{
    let (proxy, mut client) = echo().await?;
    proxy.set(Behaviour::Hold { after: 7 });
    client.write_all(b"0123456789").await?;
    let mut answer = [0; 7];
    timeout(PATIENCE, client.read_exact(&mut answer)).await??;
    let more = timeout(Duration::from_millis(200), client.read(&mut [0; 8])).await;
    assert!(more.is_err(), "more came: {more:?}");
    assert_eq!(proxy.traffic().to_upstream, 5 + 7);
    proxy.set(Behaviour::Pass);
    let mut rest = [0; 3];
    timeout(PATIENCE, client.read_exact(&mut rest)).await??;
    assert_eq!((&answer, &rest), (b"0123456", b"789"));
    assert_eq!(proxy.traffic().broken, 0);
    Ok(())
}

/// That it is slow is seen from the bytes that have not passed, not from a clock that a busy machine would
/// falsify: a minute's worth is sent, and the first second's does arrive.
#[tokio::test]
async fn a_slow_connection_passes_its_share_and_no_more() -> anyhow::Result<()> {
    let (proxy, mut client) = echo().await?;
    let begun = Instant::now();
    let before = proxy.traffic().to_upstream;
    proxy.set(Behaviour::Slow {
        bytes_per_second: 10_000,
    });
    client.write_all(&vec![7; 600_000]).await?;
    eventually(PATIENCE, "a second's bytes", || async {
        anyhow::ensure!(proxy.traffic().to_upstream >= before + 10_000);
        Ok(())
    })
    .await?;
    let passed = proxy.traffic().to_upstream - before;
    let most = 10_000 * (begun.elapsed().as_secs() + 2);
    assert!(passed <= most, "{passed} bytes in {:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn without_an_upstream_connections_are_reset() -> anyhow::Result<()> {
    let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let proxy = FaultProxy::listen(nobody)?;
    let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).await?;
    expect_reset(&mut client).await?;
    assert_eq!(
        proxy.traffic().broken,
        0,
        "it was not the proxy that broke it"
    );
    Ok(())
}
