"""GitHub's objects on the wire: users, repositories, commits, files, checks, each as its document wants it.

Addresses inside the answers start with `api`, the address that the client itself used, so that following them leads
back here.
"""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

from console.playground.emulators.clock import iso_seconds
from console.playground.releases import Release

Json = dict[str, Any]

OWNER_ID, USER_ID, REPOSITORY_ID = 90_210_001, 90_210_002, 90_210_100
USER = "quarterdeck-bot"
_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def node_id(kind: str, number: int | str) -> str:
    """Make the opaque id that GraphQL would know this object by."""
    return base64.b64encode(f"{len(kind):03d}:{kind}{number}".encode()).decode().rstrip("=")


def user(api: str, login: str = USER, kind: str = "User") -> Json:
    number = USER_ID if login == USER else OWNER_ID
    at = f"{api}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id(kind, number),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": at,
        "html_url": f"https://github.com/{login}",
        "followers_url": f"{at}/followers",
        "following_url": f"{at}/following{{/other_user}}",
        "gists_url": f"{at}/gists{{/gist_id}}",
        "starred_url": f"{at}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{at}/subscriptions",
        "organizations_url": f"{at}/orgs",
        "repos_url": f"{at}/repos",
        "events_url": f"{at}/events{{/privacy}}",
        "received_events_url": f"{at}/received_events",
        "type": kind,
        "site_admin": False,
    }


def own_user(api: str, founded: float) -> Json:
    """The owner of the token, as `GET /user` tells it."""
    public = ("company", "location", "email", "hireable", "bio")
    return {
        **user(api),
        **dict.fromkeys(public),
        "name": "Quarterdeck Bot",
        "blog": "",
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": iso_seconds(founded),
        "updated_at": iso_seconds(founded),
    }


def minimal_repository(api: str, full_name: str) -> Json:
    owner, _, name = full_name.partition("/")
    at = f"{api}/repos/{full_name}"
    return {
        "id": REPOSITORY_ID,
        "node_id": node_id("Repository", REPOSITORY_ID),
        "name": name,
        "full_name": full_name,
        "owner": user(api, owner, "Organization"),
        "private": True,
        "html_url": f"https://github.com/{full_name}",
        "description": "The product that the playground deploys",
        "fork": False,
        "url": at,
        **{key: f"{at}{path}" for key, path in _REPOSITORY_LINKS.items()},
    }


def repository(api: str, full_name: str, founded: float, pushed: float, open_issues: int) -> Json:
    host = f"github.com/{full_name}"
    return {
        **minimal_repository(api, full_name),
        "clone_url": f"https://{host}.git",
        "git_url": f"git://{host}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "svn_url": f"https://{host}",
        "mirror_url": None,
        "homepage": None,
        "language": "Python",
        "license": None,
        "default_branch": "main",
        "forks": 0,
        "forks_count": 0,
        "network_count": 0,
        "open_issues": open_issues,
        "open_issues_count": open_issues,
        "stargazers_count": 0,
        "subscribers_count": 1,
        "watchers": 0,
        "watchers_count": 0,
        "size": 12,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "visibility": "private",
        "topics": [],
        "created_at": iso_seconds(founded),
        "updated_at": iso_seconds(pushed),
        "pushed_at": iso_seconds(pushed),
        "permissions": {"admin": True, "maintain": True, "push": True, "triage": True, "pull": True},
    }


def tree_sha(release: Release) -> str:
    return hashlib.sha1(f"tree {release.commit}".encode(), usedforsecurity=False).hexdigest()


def blob_sha(content: bytes) -> str:
    """The id that git gives a file with this content."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def git_author(release: Release) -> Json:
    at = release.created_at.astimezone(UTC)
    return {"name": "Quinn Deckhand", "email": "quinn@harbour.example", "date": iso_seconds(at.timestamp())}


def verification() -> Json:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def commit(api: str, full_name: str, release: Release, parent: Release | None) -> Json:
    at, web = f"{api}/repos/{full_name}", f"https://github.com/{full_name}"
    sha = release.commit
    parents = [parent.commit] if parent else []
    return {
        "sha": sha,
        "node_id": node_id("Commit", sha),
        "url": f"{at}/commits/{sha}",
        "html_url": f"{web}/commit/{sha}",
        "comments_url": f"{at}/commits/{sha}/comments",
        "commit": {
            "url": f"{at}/git/commits/{sha}",
            "author": git_author(release),
            "committer": git_author(release),
            "message": release.message,
            "comment_count": 0,
            "tree": {"sha": tree_sha(release), "url": f"{at}/git/trees/{tree_sha(release)}"},
            "verification": verification(),
        },
        "author": user(api),
        "committer": user(api),
        "parents": [{"sha": p, "url": f"{at}/commits/{p}", "html_url": f"{web}/commit/{p}"} for p in parents],
    }


def changed_files(api: str, full_name: str, before: Release | None, after: Release) -> list[Json]:
    """The files that differ between two commits, as `compare` and a single commit list them."""
    old, new = before.files() if before else {}, after.files()
    found = []
    for path in sorted({*old, *new}):
        if old.get(path) == new.get(path):
            continue
        added, gone = new.get(path, "").count("\n"), old.get(path, "").count("\n")
        status = "added" if path not in old else "removed" if path not in new else "modified"
        found.append(
            {
                "sha": blob_sha(new.get(path, old.get(path, "")).encode()),
                "filename": path,
                "status": status,
                "additions": added,
                "deletions": gone,
                "changes": added + gone,
                "blob_url": f"https://github.com/{full_name}/blob/{after.commit}/{path}",
                "raw_url": f"https://github.com/{full_name}/raw/{after.commit}/{path}",
                "contents_url": f"{api}/repos/{full_name}/contents/{path}?ref={after.commit}",
            }
        )
    return found


def content(api: str, full_name: str, ref: str, path: str, text: str | None) -> Json:
    """One entry of the contents API; without text a folder."""
    at, kind = f"{api}/repos/{full_name}", "dir" if text is None else "file"
    sha = blob_sha((text or path).encode())
    url, html = f"{at}/contents/{path}?ref={ref}", f"https://github.com/{full_name}/blob/{ref}/{path}"
    git = f"{at}/git/{'trees' if text is None else 'blobs'}/{sha}"
    return {
        "type": kind,
        "size": len((text or "").encode()),
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "url": url,
        "git_url": git,
        "html_url": html,
        "download_url": None if text is None else f"https://raw.githubusercontent.com/{full_name}/{ref}/{path}",
        "_links": {"self": url, "git": git, "html": html},
    }


def with_text(entry: Json, text: str) -> Json:
    """Add what only the answer for a single file has."""
    wrapped = base64.encodebytes(text.encode()).decode()
    return {**entry, "content": wrapped, "encoding": "base64"}


def when(moment: datetime) -> str:
    return iso_seconds(moment.timestamp())
