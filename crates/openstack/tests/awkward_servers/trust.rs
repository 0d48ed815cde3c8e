//! Whom a region's servers are trusted for: the authorities of its file, as it is when a connection begins.

use std::path::Path;
use std::sync::Arc;

use domain::TenantId;
use openstack::{
    Credentials, Error, HttpClient, HttpSettings, Keystone, Password, Purpose, RequestContext,
    ServiceIdentity, ServiceScope,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::SecretString;
use testbed::{Authority, ServerCertificate};

use super::keystone::token;
use super::server::Server;

fn server_config(files: &ServerCertificate) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(&files.certificate).expect("it is there");
    let chain = chain.collect::<Result<_, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_file(&files.key).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("they belong together")
}

/// What comes of asking for a token over a connection of its own.
async fn ask(server: &Server, http: &HttpClient) -> Result<(), Error> {
    let credentials = Credentials {
        username: "replicator".to_owned(),
        user_domain_id: "default".to_owned(),
        password: Password::Value(SecretString::from("hunter2")),
    };
    let url = server.url.join("/v3").expect("a URL");
    let keystone = Keystone::new(url, http.clone());
    let identity = ServiceIdentity::new(keystone, credentials, ServiceScope::Project);
    let purpose = Purpose::Images(TenantId::new("p"));
    let asked = identity.token(&purpose, &RequestContext::default()).await;
    asked.map(drop)
}

#[tokio::test]
async fn a_file_of_authorities_that_changes_counts_for_the_next_connection() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trust");
    let (authority, stranger) = (Authority::new(), Authority::new());
    let authority = authority.expect("keys can be made");
    let stranger = stranger.expect("keys can be made");
    let files = authority.server(&place).expect("it can be signed");
    let server = Server::start_encrypted(vec![token(1)], server_config(&files)).await;
    let ca_file = place.join("trusted.pem");
    let write = |text: &str| std::fs::write(&ca_file, text).expect("the directory is ours");

    write(stranger.pem());
    let http = HttpClient::new(HttpSettings {
        ca_file: Some(ca_file.clone()),
        ..HttpSettings::default()
    });
    let http = http.expect("it holds a certificate");
    let refused = ask(&server, &http).await.expect_err("not trusted");
    assert!(refused.is_outage(), "{refused}");
    write(&format!("{}{}", stranger.pem(), authority.pem()));
    ask(&server, &http).await.expect("trusted by now");
    // What makes no sense changes nothing.
    write("who is that?");
    ask(&server, &http).await.expect("still trusted");
    write(stranger.pem());
    ask(&server, &http).await.expect_err("trusted no more");
}
