"""Finished texts for the label tests: common ones and the longest realistic ones."""

from __future__ import annotations

from labels.content import BagLabel, InnerLabel, PackedBag, PackingList, ParticipantCard

CODE = "T1K7XQ9MB4VZ2WD8RHC6"
TRAINING = "TRAINING - NOT FOR HUMAN USE"
CAUTION = (
    "Caution: New Drug\N{EM DASH}Limited by Federal (or United States) law "
    "to investigational use."
)

BAG = BagLabel(
    pharmacy_name="Magnolia Home Infusion Pharmacy",
    pharmacy_address="1200 5th Ave S, Birmingham AL 35233",
    pharmacy_phone="205-555-0142",
    unblinding_phone="205-555-0199",
    protocol_code="MIGHT",
    investigator="A. Rivera, MD",
    participant="M-002",
    visit_and_day="Week 4, day 2 of 2",
    volume="600 mL",
    bag_n_of_n="Bag 1 of 1",
    product_line=(
        "Immune globulin intravenous (human) 10%, 60 g in 600 mL, "
        "or sodium chloride 0.9% (placebo), 600 mL"
    ),
    product_note="Blinded study product",
    route="Intravenous infusion only.",
    device="Use infusion pump. Give all of this bag.",
    rate_steps=(
        ("35 mL/hour", "for 30 minutes, then"),
        ("71 mL/hour", "for 30 minutes, then"),
        ("143 mL/hour", "until finished"),
    ),
    start_by="Start by 2026-MAR-15 11:40 CDT",
    stop_by="Stop and discard at 2026-MAR-15 17:00 CDT",
    storage="Keep at 20 to 25 °C.",
    handling="Single dose. Do not shake, do not freeze, do not remove cover.",
    flush="Flush with dextrose 5%, 50 mL.",
    warnings=("May contain maltose: use a glucose-specific meter.",),
    caution=CAUTION,
    trial_use="For clinical trial use only. Keep out of reach of children.",
    prescription="Rx 7714-2",
    date_prepared="Prepared 2026-MAR-15",
    staff_codes="TL/RO",
    template_version="label v3",
    code=CODE,
)

LONGEST = BagLabel(
    pharmacy_name="Magnolia Regional Home Infusion Pharmacy",
    pharmacy_address="1200 5th Avenue South, Suite 400, Birmingham, AL 35233",
    pharmacy_phone="+1 205-555-0142",
    unblinding_phone="+1 205-555-0199",
    protocol_code="MIGHT-01",
    investigator="C. Vandenberg-Smith, MD, PhD",
    participant="MIGHT-UAB-012",
    visit_and_day="Open label week 12, day 3 of 3",
    volume="1,000 mL",
    bag_n_of_n="Bag 2 of 2",
    product_line=(
        "Immune globulin intravenous (human) 10%, 112.5 g in 1,125 mL, "
        "or sodium chloride 0.9% (placebo), 1,125 mL"
    ),
    product_note="Blinded study product",
    route="Intravenous infusion only.",
    device="Use infusion pump. Give all of this bag.",
    rate_steps=(
        ("36 mL/hour", "for 30 minutes, then"),
        ("72 mL/hour", "for 30 minutes, then"),
        ("144 mL/hour", "until this bag is empty, then bag 2 at the same rate"),
    ),
    start_by="Start by 2026-MAR-15 11:40 CDT",
    stop_by="Stop and discard at 2026-MAR-15 17:00 CDT",
    storage="Keep at 20 to 25 °C.",
    handling="Single dose. Do not shake, do not freeze, do not add drugs, do not remove cover.",
    flush="Flush with dextrose 5%, 50 mL.",
    warnings=(
        "May contain maltose: use a glucose-specific meter.",
        "Stop and call for chest pain, trouble breathing or swelling of a leg.",
    ),
    caution=CAUTION,
    trial_use="For clinical trial use only. Keep out of reach of children.",
    prescription="Rx 1007714-22",
    date_prepared="Prepared 2026-MAR-15",
    staff_codes="TLM/ROK",
    template_version="label v12",
    code="0" * 20,
    watermark=TRAINING,
)

INNER = InnerLabel(
    protocol_code="MIGHT",
    participant="M-002",
    visit_and_day="Week 4, day 2 of 2",
    bag_n_of_n="Bag 1 of 1",
    volume="600 mL",
    caution=CAUTION,
    not_released="NOT RELEASED",
    pharmacy_name="Magnolia Home Infusion Pharmacy",
    pharmacy_phone="205-555-0142",
    code=CODE,
)

CARD = ParticipantCard(
    protocol_code="MIGHT",
    participant="M-002",
    pharmacy_name="Magnolia Home Infusion Pharmacy",
    pharmacy_phone="205-555-0142",
    unblinding_phone="205-555-0199",
    warnings=("May contain maltose: use a glucose-specific meter.",),
    code=CODE,
)

PAPER_OF_TWO = PackingList(
    pharmacy_name="Magnolia Home Infusion Pharmacy",
    pharmacy_phone="205-555-0142",
    unblinding_phone="205-555-0199",
    protocol_code="MIGHT",
    participant="M-002",
    visit_and_day="Week 4, day 2 of 2",
    bag_count="2 bags",
    bags=(
        PackedBag("Bag 1 of 2", "T1K7 XQ9M B4VZ 2WD8 RHC6", "650 mL", "2026-MAR-15 11:40 CDT"),
        PackedBag("Bag 2 of 2", "T1M2 B4VZ XQ9M 8WD2 HRC7", "600 mL", "2026-MAR-15 13:20 CDT"),
    ),
    stop_by="Stop and discard at 2026-MAR-15 17:00 CDT",
    storage="Store at 20 to 25 °C.",
)

LONGEST_PAPER = PackingList(
    pharmacy_name="Magnolia Regional Home Infusion Pharmacy",
    pharmacy_phone="+1 205-555-0142",
    unblinding_phone="+1 205-555-0199",
    protocol_code="MIGHT-01",
    participant="MIGHT-UAB-012",
    visit_and_day="Open label week 12, day 3 of 3",
    bag_count="12 of 14 bags",
    bags=tuple(
        PackedBag(
            f"Bag {number} of 14", "WWWW WWWW WWWW WWWW WWWW", "1,000 mL", "2026-MAR-15 11:40 CDT"
        )
        for number in range(1, 13)
    ),
    stop_by="Stop and discard at 2026-MAR-15 17:00 CDT",
    storage="Store at 20 to 25 °C, out of the light, in its cover, and never in a refrigerator.",
    not_with_it="Not in this delivery: bag 13 of 14, bag 14 of 14.",
    watermark=TRAINING,
)
