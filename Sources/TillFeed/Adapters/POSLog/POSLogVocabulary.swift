/// The elements and attributes of a POSLog that are read. Whatever is not here is skipped with all that is in it and never
/// kept: card data, expiry dates, signatures, names, birth dates, addresses and receipt images among them (allow-list).
enum POSLogVocabulary {
    /// Which children an element may have. An element that is missing here is a leaf.
    static func allows(_ child: String, in parent: String) -> Bool { children[parent]?.contains(child) ?? false }

    /// Whether an element has children that are read; its own text is not.
    static func hasChildren(_ name: String) -> Bool { children[name] != nil }

    static let root = "POSLog"
    static let documents: Set<String> = ["Transaction"]

    static let attributes: Set<String> = [
        "CancelFlag", "TrainingModeFlag", "VoidedFlag", "SuspendedFlag", "TransactionStatus", "TypeCode", "VoidFlag",
        "TotalType", "Currency", "CurrencyCode", "ReasonCode", "TenderType", "ItemType", "Units", "UnitOfMeasureCode",
        "DetailFlag", "Type", "Level", "Name",
    ]

    /// `Name` is a product's where it stands on these and a person's elsewhere.
    static let named: Set<String> = ["ItemID", "POSItemID"]

    private static let header: Set<String> = [
        "RetailStoreID", "BusinessUnit", "WorkstationID", "TillID", "SequenceNumber", "TransactionID",
        "BusinessDayDate",
        "BeginDateTime", "EndDateTime", "POSLogDateTime", "OperatorID", "CurrencyCode", "ReceiptNumber",
    ]

    private static let item: Set<String> = [
        "POSIdentity", "ItemID", "MerchandiseHierarchy", "Description", "TaxIncludedInPriceFlag",
        "RegularSalesUnitPrice",
        "ActualSalesUnitPrice", "ExtendedAmount", "DiscountAmount", "ExtendedDiscountAmount", "Quantity",
        "RetailPriceModifier", "Tax", "TransactionLink", "Reason",
    ]

    private static let reward: Set<String> = [
        "PromotionID", "Amount", "DetailFlag", "LoyaltyRewardID", "ReasonCode", "SequenceNumber",
    ]

    private static let children: [String: Set<String>] = [
        "Transaction": header.union([
            "RetailTransaction", "ControlTransaction", "TenderControlTransaction", "PostVoidTransaction",
        ]),
        "RetailTransaction": header.union([
            "LineItem", "Total", "Customer", "LoyaltyAccount", "TransactionLink", "PostVoidTransaction", "SuspendFlag",
        ]),
        "ControlTransaction": header.union([
            "OperatorSignOn", "OperatorSignOff", "NoSale", "POSSOD", "POSEOD", "BusinessSOD", "BusinessEOD",
        ]),
        "PostVoidTransaction": ["TransactionLink"],
        "BusinessUnit": ["UnitID"],
        "LineItem": [
            "SequenceNumber", "Sale", "Return", "Tax", "Tender", "Discount", "LoyaltyReward", "LoyaltyMembership",
            "Rounding",
        ],
        "Sale": item, "Return": item,
        "POSIdentity": ["POSItemID"],
        "RetailPriceModifier": ["Amount", "PromotionID"],
        "Tax": ["Amount", "Percent", "TaxableAmount", "TaxRuleID", "TaxGroupID", "TaxIncludedInTaxableAmountFlag"],
        "Tender": ["Amount", "TenderChange"],
        // One dialect puts the element into itself.
        "TenderChange": ["Amount", "TenderChange"],
        "Discount": ["Amount", "PromotionID"],
        "LoyaltyReward": reward,
        "LoyaltyMembership": ["LoyaltyID", "LoyaltyAccountID"],
        "Customer": ["CustomerID", "LoyaltyAccount"],
        "LoyaltyAccount": ["LoyaltyAccountID", "LoyaltyCard", "CustomerID"],
        "LoyaltyCard": ["PrimaryAccountNumber"],
        "TransactionLink": [
            "RetailStoreID", "BusinessUnit", "WorkstationID", "SequenceNumber", "BusinessDayDate", "TransactionID",
            "LineItemSequenceNumber",
        ],
    ]

    /// Elements that vendors keep in namespaces of their own and that are read there too.
    static let vendorElements: Set<String> = [
        "LoyaltyReward", "LoyaltyMembership", "LoyaltyID", "LoyaltyAccountID", "PromotionID", "DetailFlag",
    ]
}
