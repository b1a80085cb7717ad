"""What the API answers: the shapes of https://docs.gitlab.com/api/, without what nobody here reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.fakes.gitlab.world import Issue, Job, Merge, Note, Pipeline, User

Document = dict[str, Any]
KINDS = {"merge_requests": "MergeRequest", "issues": "Issue"}


class Documents:
    """Spells what is in a project."""

    def __init__(self, web: str, project: int) -> None:
        self.web = web
        self.project = project

    def user(self, user: User) -> Document:
        """Spell somebody."""
        return {
            "id": user.number,
            "username": user.name,
            "name": user.name,
            "state": "active",
            "locked": False,
            "avatar_url": None,
            "web_url": f"{self.web.rpartition('/')[0].rpartition('/')[0]}/{user.name}",
        }

    def note(self, note: Note) -> Document:
        """Spell a note; it has no address of its own."""
        kind, number = note.place
        return {
            "id": note.number,
            "type": None,
            "body": note.body,
            "author": self.user(note.author),
            "created_at": note.created,
            "updated_at": note.created,
            "system": note.system,
            "noteable_id": 10_000 + number,
            "noteable_type": KINDS[kind],
            "project_id": self.project,
            "resolvable": False,
            "confidential": False,
            "internal": False,
            "noteable_iid": number,
            "commands_changes": {},
        }

    def issue(self, issue: Issue) -> Document:
        """Spell an issue."""
        return {
            "id": 20_000 + issue.number,
            "iid": issue.number,
            "project_id": self.project,
            "title": issue.title,
            "description": issue.description,
            "state": issue.state,
            "created_at": issue.created,
            "updated_at": issue.created,
            "closed_at": issue.created if issue.state == "closed" else None,
            "labels": [],
            "assignees": [],
            "author": self.user(issue.author),
            "type": "ISSUE",
            "web_url": f"{self.web}/-/issues/{issue.number}",
        }

    def merge(self, merge: Merge) -> Document:
        """Spell a merge request."""
        return {
            "id": 10_000 + merge.number,
            "iid": merge.number,
            "project_id": self.project,
            "title": merge.title,
            "description": "",
            "state": merge.state,
            "created_at": merge.created,
            "updated_at": merge.created,
            "merged_at": merge.merged,
            "target_branch": merge.target,
            "source_branch": merge.source,
            "author": self.user(merge.author),
            "source_project_id": merge.home,
            "target_project_id": self.project,
            "draft": False,
            "sha": merge.sha,
            "merge_commit_sha": merge.commits[-1] if merge.commits else None,
            "squash_commit_sha": None,
            "web_url": f"{self.web}/-/merge_requests/{merge.number}",
        }

    def pipeline(self, pipeline: Pipeline) -> Document:
        """Spell a pipeline."""
        return {
            "id": pipeline.number,
            "iid": pipeline.number,
            "project_id": pipeline.project,
            "sha": pipeline.sha,
            "ref": pipeline.ref,
            "status": "success",
            "source": "merge_request_event",
            "web_url": f"{self.web}/-/pipelines/{pipeline.number}",
        }

    def job(self, job: Job) -> Document:
        """Spell a job; it lists artifacts of its own, the log among them."""
        found: Document = {
            "id": job.number,
            "status": "success",
            "stage": "test",
            "name": job.name,
            "ref": "feature",
            "allow_failure": False,
            "web_url": f"{self.web}/-/jobs/{job.number}",
            "pipeline": {"id": job.pipeline, "project_id": self.project, "ref": "feature", "status": "success"},
            "artifacts": [{"file_type": "trace", "size": 1500, "filename": "job.log", "file_format": None}],
            "artifacts_expire_at": None,
        }
        if job.artifacts is not None:
            found["artifacts_file"] = {"filename": job.filename, "size": len(job.artifacts)}
        return found
