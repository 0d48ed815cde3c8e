//! Looking up projects, users and effective roles with a system (or admin) token.

use domain::{TenantId, UserId};
use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::Keystone;
use crate::http_client::Call;
use crate::{DomainRef, Error, ProjectRef};

/// A project as Keystone knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// Unique in its Keystone.
    pub id: TenantId,
    /// Unique in its domain.
    pub name: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// The id of its domain; none for a domain, which is a project as well (Identity API v3, "Projects").
    pub domain_id: Option<String>,
    /// Free labels of the operator's, for example `region:ot2`.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A user as Keystone knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Unique in its Keystone.
    pub id: UserId,
    /// Unique in its domain.
    pub name: String,
    /// The id of its domain.
    pub domain_id: String,
    /// Whether it may be used.
    pub enabled: bool,
}

/// Projects, as far as Keystone tells of them in one list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ProjectList {
    /// The projects.
    pub projects: Vec<Project>,
    /// There are more than Keystone's `list_limit`.
    #[serde(default, rename = "truncated")]
    pub is_truncated: bool,
}

/// A role that a user effectively has on a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRole {
    /// The project.
    pub project: ProjectRef,
    /// The role's name.
    pub role: String,
}

#[derive(Deserialize)]
struct ProjectDocument {
    project: Project,
}

#[derive(Deserialize)]
struct UserDocument {
    user: User,
}

#[derive(Deserialize)]
struct UserList {
    users: Vec<User>,
}

#[derive(Deserialize)]
struct DomainDocument {
    domain: DomainRef,
}

#[derive(Deserialize)]
struct DomainList {
    domains: Vec<Domain>,
}

#[derive(Deserialize)]
struct Domain {
    id: String,
}

#[derive(Deserialize)]
struct AssignmentList {
    role_assignments: Vec<Assignment>,
}

#[derive(Deserialize)]
struct Assignment {
    role: Role,
    #[serde(default)]
    scope: AssignmentScope,
}

/// A project, or something else that does not matter here.
#[derive(Default, Deserialize)]
struct AssignmentScope {
    project: Option<ProjectRef>,
}

#[derive(Deserialize)]
struct Role {
    #[serde(default)]
    name: String,
}

impl Keystone {
    /// A project with its tags; none when Keystone does not know it.
    ///
    /// # Errors
    /// Any failed call; [`Error::Forbidden`] when the token may not look up projects.
    pub async fn project(
        &self,
        with: &SecretString,
        id: &TenantId,
    ) -> Result<Option<Project>, Error> {
        let url = self.at_segments(&["projects", id.as_str()])?;
        let found: Option<ProjectDocument> =
            none_if_unknown(self.get(with, url, "looking up a project").await)?;
        Ok(found.map(|document| document.project))
    }

    /// Every project.
    ///
    /// # Errors
    /// Any failed call; [`Error::Forbidden`] when the token may not list projects.
    pub async fn projects(&self, with: &SecretString) -> Result<ProjectList, Error> {
        let url = self.at("projects")?;
        self.get(with, url, "listing projects").await
    }

    /// The projects that the token's own user can have a token for.
    ///
    /// # Errors
    /// Any failed call.
    pub async fn own_projects(&self, with: &SecretString) -> Result<ProjectList, Error> {
        let url = self.at("auth/projects")?;
        self.get(with, url, "listing the user's projects").await
    }

    /// A domain; none when Keystone does not know it.
    ///
    /// # Errors
    /// Any failed call; [`Error::Forbidden`] when the token may not look up domains.
    pub async fn domain(&self, with: &SecretString, id: &str) -> Result<Option<DomainRef>, Error> {
        let url = self.at_segments(&["domains", id])?;
        let found: Option<DomainDocument> =
            none_if_unknown(self.get(with, url, "looking up a domain").await)?;
        Ok(found.map(|document| document.domain))
    }

    /// A user; none when Keystone does not know it.
    ///
    /// # Errors
    /// Any failed call; [`Error::Forbidden`] when the token may not look up users.
    pub async fn user(&self, with: &SecretString, id: &UserId) -> Result<Option<User>, Error> {
        let url = self.at_segments(&["users", id.as_str()])?;
        let found: Option<UserDocument> =
            none_if_unknown(self.get(with, url, "looking up a user").await)?;
        Ok(found.map(|document| document.user))
    }

    /// The user of that name in the domain of that *name*: ids differ between Keystones.
    ///
    /// # Errors
    /// Any failed call.
    pub async fn find_user(
        &self,
        with: &SecretString,
        domain_name: &str,
        user_name: &str,
    ) -> Result<Option<User>, Error> {
        let mut url = self.at("domains")?;
        url.query_pairs_mut().append_pair("name", domain_name);
        let domains: DomainList = self.get(with, url, "looking up a domain").await?;
        let Some(domain) = domains.domains.into_iter().next() else {
            return Ok(None);
        };
        let mut url = self.at("users")?;
        url.query_pairs_mut()
            .append_pair("domain_id", &domain.id)
            .append_pair("name", user_name);
        let list: UserList = self.get(with, url, "looking up a user").await?;
        Ok(list.users.into_iter().next())
    }

    /// Names of the roles that a user effectively has on a project: direct, by groups, inherited
    /// and implied. Empty when user or project are unknown.
    ///
    /// # Errors
    /// Any failed call; [`Error::Forbidden`] when the token may not list role assignments.
    pub async fn role_names(
        &self,
        with: &SecretString,
        user: &UserId,
        project: &TenantId,
    ) -> Result<Vec<String>, Error> {
        let mut url = self.at("role_assignments?effective&include_names")?;
        url.query_pairs_mut()
            .append_pair("user.id", user.as_str())
            .append_pair("scope.project.id", project.as_str());
        let found: Option<AssignmentList> =
            none_if_unknown(self.get(with, url, "listing roles").await)?;
        let mut names: Vec<String> = found
            .into_iter()
            .flat_map(|list| list.role_assignments)
            .map(|assignment| assignment.role.name)
            .filter(|name| !name.is_empty())
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The roles that a user effectively has on any project: direct, by groups, inherited and implied. Empty when the user is
    /// unknown.
    ///
    /// # Errors
    /// As [`Keystone::role_names`].
    pub async fn project_roles(
        &self,
        with: &SecretString,
        user: &UserId,
    ) -> Result<Vec<ProjectRole>, Error> {
        let mut url = self.at("role_assignments?effective&include_names")?;
        url.query_pairs_mut().append_pair("user.id", user.as_str());
        let found: Option<AssignmentList> =
            none_if_unknown(self.get(with, url, "listing roles").await)?;
        let assignments = found.into_iter().flat_map(|list| list.role_assignments);
        let on_projects = assignments.filter_map(|assignment| {
            Some(ProjectRole {
                project: assignment.scope.project?,
                role: assignment.role.name,
            })
        });
        Ok(on_projects.collect())
    }

    async fn get<T: DeserializeOwned>(
        &self,
        with: &SecretString,
        url: Url,
        doing: &'static str,
    ) -> Result<T, Error> {
        let call = Call::new(Method::GET, url, doing).token(with);
        self.http.send(call).await?.json("Keystone's answer")
    }
}

fn none_if_unknown<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
