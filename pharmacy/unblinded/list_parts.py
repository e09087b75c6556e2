"""The parts of a list: the one that was loaded first, and each one that it grew by.

Every part has its own commitment, opening and signature. A part's signature covers the chain of
the commitments before it, so that whoever can write the database can neither add a part nor take
one out. What follows here is said of the first part and of later ones alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import proves
from pharmacy.crypto.signing import sign, verify
from pharmacy.domain.errors import Refusal
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts
from pharmacy.unblinded.tables import KEY_SIZE, ListPart, SealedList, Slot

Part = SealedList | ListPart
FIRST = 1
GROWN_EVENT = "list_grown"


def parts(act: Act) -> list[Part]:
    """Every part of the act's study's list in order; none before it is loaded."""
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    return [] if loaded is None else [loaded, *later_parts(act)]


def later_parts(act: Act) -> Sequence[ListPart]:
    """The parts that came after the first, in order, as they are now."""
    query = sa.select(ListPart).where(ListPart.study_id == act.in_study.id)
    ordered = query.order_by(ListPart.part).execution_options(populate_existing=True)
    return act.uow.session.scalars(ordered).all()


def find(act: Act, part: int) -> Part:
    """One part by its number, or a refusal (404)."""
    for one in parts(act):
        if one.part == part:
            return one
    raise Refusal("The list of this study has no such part.", status=404)


def lock_list(act: Act) -> None:
    """Let allocations and growth of one study's list take turns; refused (409) without a list."""
    row = act.uow.session.scalars(
        sa.select(SealedList.study_id)
        .where(SealedList.study_id == act.in_study.id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise Refusal("No list is loaded yet. The statistician loads it.")


def chain(part: Part, before: bytes) -> bytes:
    """What stands for the list as far as this part; `before` is empty for the first."""
    linked = contexts.list_chain(part.study_id, before, part.commitment)
    return hashlib.sha256(linked).digest()


def chain_before(act: Act, part: int) -> bytes:
    """What stands for all that came before a part."""
    before = b""
    for one in parts(act):
        if one.part < part:
            before = chain(one, before)
    return before


def sign_part(part: Part, private: bytes, before: bytes) -> bytes:
    """The loader's signature over a part as it stands."""
    return sign(private, *_signed(part, part.slots_digest, before))


def is_signed(part: Part, public: bytes, digest: bytes, before: bytes) -> bool:
    """Whether this key signed this part with slots of this digest, after what came before."""
    return verify(public, *_signed(part, digest, before), part.signature)


def facts_context(study_id: str, part: int) -> bytes:
    """What the signature over source, purpose and seed is bound to."""
    if part == FIRST:
        return contexts.list_facts(study_id)
    return contexts.list_part_facts(study_id, part)


def opening_context(study_id: str, version: int, part: int) -> bytes:
    """What a part's sealed opening is bound to."""
    if part == FIRST:
        return contexts.list_opening(study_id, version)
    return contexts.list_part_opening(study_id, version, part)


def seed_context(study_id: str, part: int, person_id: str, exchange_public: bytes) -> bytes:
    """What a part's sealed seed is bound to."""
    if part == FIRST:
        return contexts.list_seed(study_id, person_id, exchange_public)
    return contexts.list_part_seed(study_id, part, person_id, exchange_public)


def signature_context(study_id: str, version: int, part: int) -> bytes:
    """What the loader's signature is bound to."""
    if part == FIRST:
        return contexts.list_signature(study_id, version)
    return contexts.list_part(study_id, version, part)


def opening_of(list_key: bytes, part: Part) -> bytes:
    """A part's opening; `CannotOpen` under another key."""
    context = opening_context(part.study_id, part.key_version, part.part)
    return open_sealed(list_key, part.opening, KEY_SIZE, context)


def is_of(list_key: bytes, part: Part, canonical: bytes) -> bool:
    """Whether a part commits to these rows."""
    return proves(part.commitment, opening_of(list_key, part), canonical)


def rows_of(act: Act, part: int) -> dict[str, int]:
    """How many slots a part brought to each stratum, by the stratum's name."""
    query = (
        sa.select(Slot.stratum, sa.func.count())
        .where(Slot.study_id == act.in_study.id, Slot.part == part)
        .group_by(Slot.stratum)
        .order_by(Slot.stratum)
    )
    return {row[0]: row[1] for row in act.uow.session.execute(query)}


def _signed(part: Part, digest: bytes, before: bytes) -> tuple[bytes, bytes]:
    context = signature_context(part.study_id, part.loaded_version, part.part)
    return context, before + part.commitment + digest if part.part > FIRST else (
        part.commitment + digest
    )
