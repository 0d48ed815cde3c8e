//! Man pages into a folder: one for each command.

use anyhow::ensure;

use crate::stage::{printed, run, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_gets_a_page_for_each_command() -> anyhow::Result<()> {
    let turn = turn().await?;
    let folder = turn.bed.directory().join("man1");
    let words = ["man", "--directory", &folder.display().to_string()];
    let missing = run(&turn, "one", &words).await?;
    ensure!(
        missing.code == Some(1) && missing.told.contains("man1"),
        "{missing:?}"
    );

    std::fs::create_dir(&folder)?;
    let said = printed(&turn, "one", &words).await?;
    ensure!(said.is_empty(), "{said}");
    for command in ["", "-copy", "-watch", "-plan", "-plan-create", "-man"] {
        let page = folder.join(format!("image-replicator{command}.1"));
        let page = std::fs::read_to_string(&page)?;
        let title = format!(".TH image-replicator{command} 1");
        ensure!(page.contains(&title), "{title}: {page}");
    }
    let page = std::fs::read_to_string(folder.join("image-replicator-copy.1"))?;
    ensure!(page.contains(r"\-\-to\-region"), "{page}");
    std::fs::remove_dir_all(folder)?;
    turn.leave(&[]).await
}
