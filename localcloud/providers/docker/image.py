"""`docker:index/image:Image`: an image built from a folder and pushed to a registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.providers.docker.builder import Builder
from localcloud.providers.docker.inputs import check, parse, part
from localcloud.providers.handler import UNKNOWN, Context, Difference, Failure, changed_names


class Image:
    """The handler of the resource type."""

    def check(
        self, context: Context, old: dict[str, Any], new: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Failure]]:
        """Complete the inputs; the digest of the build context becomes one of them."""
        del context, old
        return check(new)

    def diff(self, old: dict[str, Any], new: dict[str, Any]) -> Difference:
        """A changed context builds again; a new password of the same registry does not."""
        return Difference(changed_names(_without_login(old), _without_login(new)))

    def create(
        self, context: Context, inputs: dict[str, Any], preview: bool
    ) -> tuple[str, dict[str, Any]]:
        """Build and push; a preview builds only with `buildOnPreview`, and never pushes."""
        outputs = self._build(context, inputs, preview)
        return ("" if preview else outputs["imageName"]), outputs

    def read(
        self, context: Context, identifier: str, outputs: dict[str, Any], inputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """What was built stays as it is; like the vendor's, this looks at no registry."""
        del context, identifier
        return outputs, inputs

    def update(
        self,
        context: Context,
        identifier: str,
        outputs: dict[str, Any],
        inputs: dict[str, Any],
        preview: bool,
    ) -> dict[str, Any]:
        """Build and push again."""
        del identifier, outputs
        return self._build(context, inputs, preview)

    def delete(self, context: Context, identifier: str, outputs: dict[str, Any]) -> None:
        """Forget the local tag; what was pushed belongs to the registry."""
        del identifier
        with Builder(context) as builder:
            builder.untag(outputs["imageName"])

    def _build(self, context: Context, inputs: dict[str, Any], preview: bool) -> dict[str, Any]:
        build = inputs.get("build")
        known = {
            "imageName": inputs["imageName"],
            "baseImageName": inputs["imageName"],
            "registryServer": part(inputs.get("registry"), "server"),
            "context": part(build, "context"),
            "dockerfile": part(build, "dockerfile"),
            "platform": part(build, "platform"),
        }
        if preview and (not inputs["buildOnPreview"] or _has_unknown(inputs)):
            return {**known, "repoDigest": UNKNOWN}
        image = parse(inputs)
        with Builder(context) as builder:
            identifier = builder.build(image)
            pushed = image.push and not preview
            digest = builder.push(image) if pushed else identifier
        return {**known, "repoDigest": digest}


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def _without_login(inputs: Mapping[str, Any]) -> dict[str, Any]:
    registry = inputs.get("registry")
    if not isinstance(registry, Mapping):
        return dict(inputs)
    return {**inputs, "registry": {"server": registry.get("server")}}
