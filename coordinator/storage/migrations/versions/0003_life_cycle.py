"""What the life cycle needs in the cases that really happen.

Requests that nobody ratified, addresses left out, two leads to let funds go, clocks on answers,
irregular lines, clearances, whose word a hold rests on, and who took a task.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables, and columns that code of the version before need not know."""
    op.create_table(
        "clearance",
        sa.Column(
            "id",
            sa.String(length=40),
            nullable=False,
            comment="clr_…; owner of the sealed statement",
        ),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.Column(
            "act_id",
            sa.String(length=40),
            nullable=False,
            comment="the withdrawal that says wrong_target",
        ),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_act_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_clearance_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clearance"),
    )
    op.create_index("ix_clearance_request_id", "clearance", ["request_id"], unique=False)
    op.create_table(
        "left_out_address",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("address_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_left_out_address_request_id"
        ),
        sa.PrimaryKeyConstraint("request_id", "address_no", name="pk_left_out_address"),
    )
    op.create_table(
        "indemnity",
        sa.Column("id", sa.String(length=40), nullable=False, comment="ind_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column(
            "leg_id",
            sa.String(length=40),
            nullable=True,
            comment="whom it is given; None: all asked",
        ),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_indemnity_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_indemnity"),
    )
    op.create_index("ix_indemnity_request_id", "indemnity", ["request_id"], unique=False)
    op.create_table(
        "support",
        sa.Column("id", sa.String(length=40), nullable=False, comment="sup_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("support", sa.String(length=20), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_support_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_support"),
    )
    op.create_index("ix_support_request_id", "support", ["request_id"], unique=False)
    op.create_table(
        "taken_task",
        sa.Column("partner", sa.String(length=253), nullable=False),
        sa.Column(
            "task_id",
            sa.String(length=80),
            nullable=False,
            comment="tsk_…, made of what waits and of whom it waits for",
        ),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("act_id", sa.String(length=40), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_taken_task_request_id"
        ),
        sa.PrimaryKeyConstraint("partner", "task_id", name="pk_taken_task"),
    )
    op.create_table(
        "withdrawal_proposal",
        sa.Column("id", sa.String(length=40), nullable=False, comment="wdp_…"),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("dispute_id", sa.String(length=40), nullable=True, comment="None: a withdrawal"),
        sa.Column(
            "act_id",
            sa.String(length=40),
            nullable=False,
            comment="whose evidence says what is withdrawn, and why",
        ),
        sa.Column(
            "status",
            sa.String(length=10),
            nullable=False,
            comment="pending, approved, rejected, void, moot",
        ),
        sa.Column("proposed_by_person", sa.String(length=40), nullable=False),
        sa.Column("proposed_by_kid", sa.String(length=43), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("void_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_act_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["freeze_request.id"], name="fk_withdrawal_proposal_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_proposal"),
    )
    op.create_index(
        "ix_withdrawal_proposal_request_id", "withdrawal_proposal", ["request_id"], unique=False
    )
    op.create_index(
        "ix_withdrawal_proposal_void_at",
        "withdrawal_proposal",
        ["void_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.add_column(
        "act",
        sa.Column(
            "remainder_sha256",
            sa.String(length=64),
            nullable=True,
            comment="of what goes out, where an approval leaves addresses out",
        ),
    )
    op.add_column(
        "flagged_address",
        sa.Column("whole_account", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "unratified_at",
            sa.BigInteger(),
            nullable=True,
            comment="went out, was not ratified in time, and withdraws itself at unratified_until",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "contested",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="a dispute on one of its legs is open, or upheld while it is active",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "left_out_count",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="addresses that the approval kept from going out",
        ),
    )
    op.add_column("freeze_request", sa.Column("unratified_until", sa.BigInteger(), nullable=True))
    op.add_column(
        "freeze_request",
        sa.Column(
            "waits_because",
            sa.String(length=30),
            nullable=True,
            comment="why a flash request waits for its approval",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "support",
            sa.String(length=20),
            nullable=True,
            comment="whose word the holds rest on at present; None: the requester's alone",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "on_order",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="names a legal order, or its authority attached one to all legs",
        ),
    )
    op.add_column(
        "freeze_request",
        sa.Column(
            "withdrawal_reason",
            sa.String(length=20),
            nullable=True,
            comment="reason_code of the whole withdrawal",
        ),
    )
    op.create_index(
        "ix_freeze_request_unratified",
        "freeze_request",
        ["requester", "id"],
        unique=False,
        sqlite_where=sa.text("unratified_until IS NOT NULL"),
        postgresql_where=sa.text("unratified_until IS NOT NULL"),
    )
    op.create_index(
        "ix_freeze_request_unratified_until",
        "freeze_request",
        ["unratified_until"],
        unique=False,
        sqlite_where=sa.text("unratified_until IS NOT NULL"),
        postgresql_where=sa.text("unratified_until IS NOT NULL"),
    )
    op.add_column(
        "hold",
        sa.Column(
            "irregular",
            sa.String(length=15),
            nullable=True,
            comment="as the first of its freezes that is",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "reviewed",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="hold_expires_at is a review date, whatever the ground: nothing lapses",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "review_at",
            sa.BigInteger(),
            nullable=True,
            comment="somebody looks again: an issuer's freeze, a whole account",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "effective_at",
            sa.BigInteger(),
            nullable=True,
            comment="an issuer's second transaction; frozen_at is the first one's time",
        ),
    )
    op.add_column(
        "hold",
        sa.Column(
            "same_funds_as",
            sa.String(length=40),
            nullable=True,
            comment="another partner's hold of the same tokens, which counts",
        ),
    )
    op.create_index(
        "ix_hold_same_funds_as",
        "hold",
        ["same_funds_as"],
        unique=False,
        sqlite_where=sa.text("same_funds_as IS NOT NULL"),
        postgresql_where=sa.text("same_funds_as IS NOT NULL"),
    )
    op.add_column("info_request", sa.Column("reply_by", sa.BigInteger(), nullable=True))
    op.add_column(
        "info_request",
        sa.Column("late_at", sa.BigInteger(), nullable=True, comment="when it was seen to be late"),
    )
    op.create_index(
        "ix_info_request_reply_by",
        "info_request",
        ["reply_by"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NULL AND late_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL AND late_at IS NULL"),
    )
    op.add_column(
        "ledger_line",
        sa.Column(
            "irregular",
            sa.String(length=15),
            nullable=True,
            comment="true, but not as it should have been: after_end, late, encumbered",
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "knows_left_out",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="its notice, before the approval, named the addresses that were left out then",
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "answer_by",
            sa.BigInteger(),
            nullable=True,
            comment="until when every address has an answer; None: no clock runs",
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "clock_paused_at",
            sa.BigInteger(),
            nullable=True,
            comment="the partner waits for the requester since then",
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "answered_at", sa.BigInteger(), nullable=True, comment="every address has its answer"
        ),
    )
    op.add_column(
        "leg",
        sa.Column(
            "unanswered_at",
            sa.BigInteger(),
            nullable=True,
            comment="when it was seen to be missing",
        ),
    )
    op.create_index(
        "ix_leg_answer_by",
        "leg",
        ["answer_by"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NULL AND unanswered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL AND unanswered_at IS NULL"),
    )
    op.add_column(
        "partner",
        sa.Column(
            "cannot_say",
            sa.String(length=20),
            server_default="none",
            nullable=False,
            comment="none, or private_requesters: whom it may tell neither match nor no match",
        ),
    )
    op.add_column(
        "partner",
        sa.Column(
            "withdrawal_quorum",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="leads that letting held funds go takes",
        ),
    )
    op.add_column(
        "partner",
        sa.Column(
            "clocks",
            sa.String(length=40),
            nullable=True,
            comment="named profile of clocks, as the policies have it; None: default",
        ),
    )
    op.add_column(
        "withdrawn_address",
        sa.Column("reason", sa.String(length=20), nullable=True, comment="reason_code"),
    )
    _add_what_tasks_need()


def _add_what_tasks_need() -> None:
    """Add what lists of tasks are read along: whose each thing is, and indexes by its time."""
    for table in ("addition", "dispute", "info_request", "withdrawal_proposal"):
        op.add_column(table, _handle("requester", "whose request it is about"))
    op.add_column("dispute", _handle("partner", "whose leg it is about"))
    for name, comment in (
        ("upheld_addresses", "what its partner held of what was upheld"),
        ("to_withdraw", "addresses of these accounts that somebody still holds"),
    ):
        op.add_column("dispute", sa.Column(name, sa.JSON(), nullable=True, comment=comment))
    op.add_column(
        "dispute",
        _time("withdraw_since", "since when they wait; None: nothing is to be withdrawn"),
    )
    op.add_column("info_request", _time("moot_at", "the request ended before a reply"))
    op.add_column(
        "leg",
        sa.Column(
            "contested_nos",
            sa.JSON(),
            nullable=True,
            comment="what it holds and others contest, as both sides were told",
        ),
    )
    op.add_column("leg", _time("owed_since", "since when; None: nothing is owed"))
    op.add_column(
        "leg",
        _time("hold_ends_at", "when the first open hold that counts for it ends or is reviewed"),
    )
    op.add_column(
        "leg",
        _time("account_review_at", "when it looks at the first whole account again that it froze"),
    )
    op.add_column(
        "leg",
        sa.Column(
            "unreached_for",
            sa.String(length=253),
            nullable=True,
            comment="the requester, while its notice does not arrive",
        ),
    )
    op.add_column("leg", _time("unreached_at", "when its notice was given up"))
    op.add_column(
        "hold",
        _time("extension_asked_at", "when a requester asked for a later end; the last time"),
    )
    op.add_column(
        "hold",
        sa.Column(
            "extension_asked_on", sa.String(length=40), nullable=True, comment="on which request"
        ),
    )
    op.add_column(
        "hold",
        _time(
            "extension_asked_end",
            "hold_expires_at as it was then: another one is the partner's answer",
        ),
    )
    for statement in _FILL:
        op.execute(sa.text(statement))
    for name, table, columns, where in _BY_TIME:
        op.create_index(
            name,
            table,
            columns,
            unique=False,
            sqlite_where=sa.text(
                where.replace("NOT ended", "ended = 0")
                .replace("NOT lapsed", "lapsed = 0")
                .replace("provisional", "provisional = 1")
            ),
            postgresql_where=sa.text(where),
        )


def _handle(name: str, comment: str) -> sa.Column[str]:
    return sa.Column(
        name, sa.String(length=253), server_default="", nullable=False, comment=comment
    )


def _time(name: str, comment: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=True, comment=comment)


_OF_REQUEST = "(SELECT requester FROM freeze_request WHERE freeze_request.id = {}.request_id)"
#: What is open as the columns come. An undeliverable leg says only by its flag that it is one.
_FILL = (
    *(
        f"UPDATE {table} SET requester = {_OF_REQUEST.format(table)}"  # noqa: S608 - constants
        for table in ("addition", "dispute", "info_request")
    ),
    "UPDATE dispute SET partner = (SELECT partner FROM leg WHERE leg.id = dispute.leg_id)",
    """
    UPDATE info_request SET moot_at = asked_at
    WHERE answered_at IS NULL AND leg_id IN (SELECT id FROM leg WHERE ended)
    """,
    """
    UPDATE leg SET owed_since = COALESCE((SELECT MIN(hold.owed_since) FROM hold JOIN hold_link
    ON hold_link.hold_id = hold.id WHERE hold_link.leg_id = leg.id), queued_at) WHERE owes_answer
    """,
    """
    UPDATE leg SET hold_ends_at = (SELECT MIN(hold_expires_at) FROM hold JOIN hold_link
    ON hold_link.hold_id = hold.id
    WHERE hold_link.leg_id = leg.id AND NOT hold.ended AND NOT hold.lapsed)
    """,
    """
    UPDATE leg SET unreached_at = queued_at, unreached_for =
    (SELECT requester FROM freeze_request WHERE freeze_request.id = leg.request_id)
    WHERE delivered_at IS NULL AND NOT ended AND CAST(flags AS TEXT) LIKE '%undeliverable%'
    """,
)
_TO_ANSWER = "acknowledged_at IS NOT NULL AND answered_at IS NULL AND clock_paused_at IS "
#: Name, table, columns and condition.
_BY_TIME = (
    (
        "ix_freeze_request_to_approve",
        "freeze_request",
        ["requester", "status", "approve_by"],
        "status = 'submitted'",
    ),
    ("ix_freeze_request_to_ratify", "freeze_request", ["requester", "ratify_by"], "provisional"),
    (
        "ix_freeze_request_to_ratify_late",
        "freeze_request",
        ["requester", "unratified_until"],
        "unratified_until IS NOT NULL",
    ),
    (
        "ix_leg_to_acknowledge",
        "leg",
        ["partner", "acknowledge_by"],
        "acknowledged_at IS NULL AND NOT ended",
    ),
    ("ix_leg_to_answer", "leg", ["partner", "answer_by"], f"{_TO_ANSWER}NULL AND NOT ended"),
    (
        "ix_leg_paused",
        "leg",
        ["partner", "ended", "request_id"],
        f"{_TO_ANSWER}NOT NULL AND NOT ended",
    ),
    ("ix_leg_owed_since", "leg", ["partner", "owed_since"], "owed_since IS NOT NULL"),
    (
        "ix_leg_unreached_for",
        "leg",
        ["unreached_for", "unreached_at"],
        "unreached_for IS NOT NULL",
    ),
    ("ix_leg_hold_ends_at", "leg", ["partner", "hold_ends_at"], "hold_ends_at IS NOT NULL"),
    (
        "ix_leg_account_review_at",
        "leg",
        ["partner", "account_review_at"],
        "account_review_at IS NOT NULL",
    ),
    (
        "ix_hold_to_extend",
        "hold",
        ["partner", "ended", "lapsed", "hold_expires_at"],
        "extension_asked_at IS NOT NULL AND NOT ended AND NOT lapsed",
    ),
    (
        "ix_info_request_waits",
        "info_request",
        ["requester", "reply_by"],
        "answered_at IS NULL AND moot_at IS NULL",
    ),
    ("ix_dispute_to_resolve", "dispute", ["requester", "answer_by"], "resolved_at IS NULL"),
    (
        "ix_dispute_to_withdraw",
        "dispute",
        ["requester", "withdraw_since"],
        "withdraw_since IS NOT NULL",
    ),
    ("ix_dispute_open", "dispute", ["partner", "answer_by"], "resolved_at IS NULL"),
    ("ix_addition_waits", "addition", ["requester", "proposed_at"], "status = 'pending'"),
    (
        "ix_withdrawal_proposal_waits",
        "withdrawal_proposal",
        ["requester", "void_at"],
        "status = 'pending'",
    ),
    ("ix_grant_proposal_waits", "grant_proposal", ["partner", "expires_at"], "status = 'pending'"),
)
