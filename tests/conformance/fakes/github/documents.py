"""What the API answers: the shapes of https://docs.github.com/en/rest, without what nobody here reads."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.fakes.github.world import Artifact, Comment, Issue, Pull, User

Document = dict[str, Any]

LINKS = ("followers", "gists", "starred", "subscriptions", "organizations", "repos", "events", "received_events")


class Documents:
    """Spells what is in a repository, as the API at a URL does."""

    def __init__(self, url: str, repository: str) -> None:
        self.url = url
        self.web = url.replace("127.0.0.1", "localhost")
        """Where people look: not where the API is."""
        self.name = repository
        self.root = f"{url}/repos/{repository}"
        self.home = f"{self.web}/{repository}"

    def user(self, user: User | None) -> Document | None:
        """Spell somebody."""
        if user is None:
            return None
        url = f"{self.url}/users/{user.login}"
        return {
            "login": user.login,
            "id": user.number,
            "node_id": f"U_{user.number}",
            "avatar_url": f"{self.web}/avatars/{user.number}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.web}/{user.login}",
            **{f"{name}_url": f"{url}/{name}" for name in LINKS},
            "type": user.kind,
            "user_view_type": "public",
            "site_admin": False,
        }

    def comment(self, comment: Comment, *, pull: bool) -> Document:
        """Spell a comment."""
        place = f"{self.home}/{'pull' if pull else 'issues'}/{comment.issue}"
        return {
            "url": f"{self.root}/issues/comments/{comment.number}",
            "html_url": f"{place}#issuecomment-{comment.number}",
            "issue_url": f"{self.root}/issues/{comment.issue}",
            "id": comment.number,
            "node_id": f"IC_{comment.number}",
            "user": self.user(comment.user),
            "created_at": comment.created,
            "updated_at": comment.updated,
            "body": comment.body,
            "author_association": "CONTRIBUTOR",
            "performed_via_github_app": None,
        }

    def issue(self, issue: Issue, comments: int) -> Document:
        """Spell an issue; a pull request has one member more."""
        url = f"{self.root}/issues/{issue.number}"
        web = f"{self.home}/{'pull' if issue.pull else 'issues'}/{issue.number}"
        found: Document = {
            "url": url,
            "repository_url": self.root,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": web,
            "id": 1_000_000 + issue.number,
            "node_id": f"I_{issue.number}",
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.user),
            "labels": [{"id": zlib.crc32(name.encode()), "name": name, "color": "ededed"} for name in issue.labels],
            "state": issue.state,
            "state_reason": "completed" if issue.state == "closed" else None,
            "locked": issue.locked,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": comments,
            "created_at": issue.created,
            "updated_at": issue.updated,
            "closed_at": issue.updated if issue.state == "closed" else None,
            "author_association": "CONTRIBUTOR",
            "body": issue.body,
        }
        if issue.pull:
            links = {"url": f"{self.root}/pulls/{issue.number}", "html_url": web, "merged_at": issue.pull.merged}
            found["pull_request"] = links
        return found

    def pull(self, issue: Issue, pull: Pull) -> Document:
        """Spell a pull request as lists have it: without `merged`."""
        url = f"{self.root}/pulls/{issue.number}"
        return {
            "url": url,
            "id": 2_000_000 + issue.number,
            "node_id": f"PR_{issue.number}",
            "html_url": f"{self.home}/pull/{issue.number}",
            "issue_url": f"{self.root}/issues/{issue.number}",
            "number": issue.number,
            "state": issue.state,
            "locked": issue.locked,
            "title": issue.title,
            "user": self.user(issue.user),
            "body": issue.body,
            "created_at": issue.created,
            "updated_at": issue.updated,
            "closed_at": issue.updated if issue.state == "closed" else None,
            "merged_at": pull.merged,
            "merge_commit_sha": pull.merge_sha,
            "labels": [],
            "draft": False,
            "head": self.side(pull.owner, pull.head, pull.sha, pull.home),
            "base": self.side(self.name.partition("/")[0], pull.base, "b" * 40, self.name),
            "author_association": "CONTRIBUTOR",
        }

    def side(self, owner: str, branch: str, sha: str, home: str | None) -> Document:
        """Spell what a pull request comes from, or goes to."""
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "repo": None if home is None else self.repository(home),
        }

    def repository(self, name: str) -> Document:
        """Spell a repository in few words."""
        owner, _, short = name.partition("/")
        return {
            "id": number_of(name),
            "node_id": f"R_{number_of(name)}",
            "name": short,
            "full_name": name,
            "private": True,
            "owner": {"login": owner, "id": number_of(owner), "type": "Organization"},
            "html_url": f"{self.web}/{name}",
            "fork": name != self.name,
            "url": f"{self.url}/repos/{name}",
            "default_branch": "main",
        }

    def artifact(self, artifact: Artifact) -> Document:
        """Spell an artifact."""
        url = f"{self.root}/actions/artifacts/{artifact.number}"
        return {
            "id": artifact.number,
            "node_id": f"A_{artifact.number}",
            "name": artifact.name,
            "size_in_bytes": len(artifact.archive) if artifact.size is None else artifact.size,
            "url": url,
            "archive_download_url": f"{url}/zip",
            "expired": artifact.expired,
            "created_at": artifact.created,
            "expires_at": artifact.created,
            "updated_at": artifact.created,
            "workflow_run": {
                "id": artifact.run,
                "repository_id": number_of(self.name),
                "head_repository_id": number_of(artifact.home),
                "head_branch": artifact.branch,
                "head_sha": artifact.sha,
            },
        }


def number_of(name: str) -> int:
    """Give the id of a repository or an owner, the same each time."""
    return zlib.crc32(name.encode())
