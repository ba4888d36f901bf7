/// A program that uses every key of the language, to see that each is read.
let everyKey = """
    schema = 1
    program = "all"
    version = "1"
    effective = 2027-01-01
    zone = "Europe/London"
    calendar = { fiscal_year_starts_in = 2, week_starts_on = "sun" }
    rounding = { mode = "half_up", scope = "basket", when = "after_multipliers", step = "linear" }
    basis = { tax = "exclude", discounts = "net", coupons = "gross", price = "paid" }
    returns = { unlinked = "ignore", clawback = "pending_first", floor = "debt", restore_redeemed = "new_lot", expired_grace = "30 days" }
    redemption = { order = "oldest", overdraw = { points = "500" }, earning = "blocked" }

    [currency.points]
    decimals = 0
    pending = "2 days"
    expires = [ { tier = "gold", never = true }, { after = "6 months", to = "month_end", inactive = "18 months" } ]
    [currency.cash]
    money = "GBP"
    expires = { after = "4 months", day = 15 }

    [[tag]]
    id = "hot-drink"
    category = ["drinks/hot"]
    sku = ["5000000000017"]
    brand = ["Bean"]

    [[counter]]
    id = "spend"
    counts = "spend"
    per = "calendar_year"
    scope = "household"
    match = { class = ["goods"] }
    exclude = { brand = ["Other"] }
    tender = { exclude = ["points"] }
    basis = { discounts = "gross" }
    [[counter]]
    id = "stars"
    counts = "qualifying"
    currency = "points"
    per = "rolling_year"

    [tiers]
    counter = "spend"
    levels = [ { id = "basic", at = "0" }, { id = "gold", at = "350", perks = ["free coffee"] } ]
    valid = { after = "1 year", to = "year_end" }
    downgrade = "one_level"
    applies = "this_sale"
    returns = "lower"

    [[entitlement]]
    id = "prime"
    sold_as = { sku = ["PRIME"] }
    lasts = "12 months"
    renewal = "restart"
    perks = ["members' prices"]

    [[member_day]]
    id = "triple-day"
    quota = { basic = 1, gold = 3, any = 0 }
    per = "calendar_year"
    book_at_till = true

    [[beneficiary]]
    id = "wwf"
    name = "A good cause"
    default = true

    [[partner]]
    id = "air"
    number = { length = [9, 10], prefix = ["7"], characters = "digits", check = "luhn" }
    forward = true
    match = { class = ["service"] }
    exclude = { tag = ["x"] }
    basis = { tax = "exclude" }

    [[reward]]
    id = "off"
    text = "Money off"
    points = "100"
    money = "1.00"
    threshold = "500"
    minimum = "200"
    maximum = "10000"
    limit = { times = 1, per = "sale" }
    cap = { points = "10000", per = "day" }
    basket = { at_least = "5.00", leave = "1.00", share = "50", match = { class = ["goods"] }, exclude = { category = ["tobacco"] } }
    member = { tier = "gold" }
    window = { from = 2027-01-01 }
    store = ["300"]
    channel = ["till"]
    [[reward]]
    id = "table"
    issue = "quarter_end"
    table = [ { points = "1000", money = "1.00" }, { points = "18000", money = "20.00" } ]
    expires = { after = "60 days" }
    [[reward]]
    id = "tenth"
    kind = "percent"
    points = "300"
    percent = "10"
    [[reward]]
    id = "drink"
    kind = "item"
    item = "a hot drink"
    issue = "by_stamps"
    [[reward]]
    id = "gift"
    kind = "donation"
    points = "100"
    money = "1.00"

    [[stamps]]
    id = "coffee"
    text = "Coffee card"
    match = { tag = ["hot-drink"] }
    exclude = { class = [] }
    give = { stamps = 1, per_units = "1" }
    limit = { stamps = 4, per = "day" }
    cap = { times = 3, per = "week" }
    reward = [ { at = 5, issue = "gift" }, { at = 10, issue = "drink", expires = "60 days" } ]
    carry_over = false
    member = { known = true }
    when = { basket_at_least = "2.00" }

    [[cap]]
    id = "all-year"
    points = "50000"
    per = "fiscal_year"
    scope = "card"
    rules = ["base", "triple"]

    [[earn]]
    id = "base"
    text = "Points"
    amount = { points = "1", per = "1.00", step = "whole" }
    exclude = { class = ["fee"], category = ["tobacco"], sku = ["1"], brand = ["b"], tag = ["t"] }
    exclude_tender = ["points"]
    tender = { only = ["card"], named = ["store_card"], exclude_named = ["gift"], mixed = "any" }
    store = ["300"]
    exclude_store = ["301"]
    register = ["1"]
    channel = ["till"]
    expires = { on = 2028-12-31 }
    pending = "1 week"
    [[earn]]
    id = "litres"
    amount = { points = "1", per_units = "2", unit = "l" }
    cap = [ { units = "100", per = "day" }, { spend = "10.00", per = "month" } ]
    [[earn]]
    id = "visit"
    amount = { points = "5", per_visit = true }
    member = { nth_visit = { n = 5, per = "month", every = true }, visits_at_least = { n = 1, per = "lifetime" }, exclude_tier = "gold" }
    [[earn]]
    id = "cash"
    currency = "cash"
    amount = { percent = "3" }
    recipient = "beneficiary"
    [[earn]]
    id = "triple"
    kind = "multiplier"
    factor = "3"
    combine = "best_of"
    member_day = "triple-day"
    stack = { group = "events", mode = "exclusive", priority = 2 }
    cap = { points_per_unit = "10" }
    [[earn]]
    id = "own-day"
    kind = "multiplier"
    factor = "2"
    member_day = { quota = { any = 1 }, per = "month" }
    [[earn]]
    id = "three-for"
    kind = "bonus"
    points = "50"
    repeat = true
    returns = "revoke_if_unqualified"
    when = { units_at_least = "3", basket_below = "100", of = "basket", basis = { coupons = "gross" }, redeeming = false }
    limit = { times = 2, per = "week", scope = "household" }
    member = { segment = "a", exclude_segment = "b", entitlement = "prime", exclude_entitlement = "x", birthday_month = true, birthday = { before = 3, after = 4 }, linked = "air", counter = { id = "spend", at_least = "1", below = "9" }, joined_within = "30 days", referred = true }
    window = { from = 2027-01-01, to = 2027-12-31, days = ["mon"], hours = "10:00-12:00", zone = "UTC", clock = "event" }
    [[earn]]
    id = "survey"
    event = "survey.completed"
    kind = "bonus"
    points = "20"
    limit = { times = 1, per = "month" }
    [[earn]]
    id = "friend"
    event = "referral.qualified"
    recipient = "referrer"
    kind = "bonus"
    points = "500"
    cap = { points = "16000", per = "lifetime" }
    [[earn]]
    id = "luxe"
    kind = "period_bonus"
    percent = "20"
    per = "quarter"
    member = { tier = "gold" }

    [[case]]
    name = "left to the tools"
    """
