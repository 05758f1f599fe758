"""Published addresses of the chains beyond Bitcoin's, Ethereum's and their like: public facts.

Each with where it stands; where one target has several spellings, the first is the canonical one.
"""

TON = "ton:-239"
POLKADOT = "polkadot:91b171bb158e2d3848fa23a9f1c25182"
KUSAMA = "polkadot:b0a8d493285c2df73290dfb7e61f870f"
KILT = "polkadot:411f057b9107718c9624d6aa4a3f23c1"
KARURA = "polkadot:baf5aabe40646d11f0ee8abbdc64f4a4"
CRUST = "polkadot:8b404e7ed8789d813982b9cb4c8b664c"
BITTENSOR = "polkadot:2f0555cc76fc2840a25a6ea3b9637146"
STELLAR = "stellar:pubnet"
CARDANO = "cardano:764824073"
ALGORAND = "algorand:wGHE2Pwdvd7S12BL5FaOP20EGYesN73k"
TEZOS = "tezos:NetXdQprcVkpaWU"
FILECOIN = "fil:f"
ICP = "icp:737ba355e855bd4b61279056603e0550"
NEAR = "near:mainnet"
EOS = "antelope:aca376f206b8fc25a6ed44dbdc66547c"
HEDERA = "hedera:mainnet"
APTOS, SUI, STARKNET = "aptos:1", "sui:35834a8a", "starknet:SN_MAIN"
COSMOS, THORCHAIN, INJECTIVE = "cosmos:cosmoshub-4", "cosmos:thorchain-1", "cosmos:injective-1"
HARMONY, ROOTSTOCK, XDC, RONIN = "eip155:1666600000", "eip155:30", "eip155:50", "eip155:2020"
VECHAIN = "vechain:b1ac3413d346d43539627e6be7ec1b4a"

#: Chain, spellings of one target, whether a single wrong character is always noticed.
PUBLISHED: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    # TON's documentation of address formats
    (
        TON,
        (
            "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF",
            "UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA",
            "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff+W72r5gqPrHF",
        ),
        True,
    ),
    (
        TON,
        (
            "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF",
            "0:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e",
            "0:CA6E321C7CCE9ECEDF0A8CA2492EC8592494AA5FB5CE0387DFF96EF6AF982A3E",
        ),
        False,
    ),
    # the Polkadot namespace's CAIP-10 profile: one key
    (
        POLKADOT,
        (
            "15rRgsWxz4H5LTnNGcCFsszfXD8oeAFd8QRsR6MbQE2f6XFF",
            "HRkCrbmke2XeabJ5fxJdgXWpBRPkXWfWHY8eTeCKwDdf4k6",
            "4smVWa6Hb7WhGh9zgqdAE86p5eZyj8BQJ9Uro4o2zidBnmfX",
            "t9hkorC4PGtaw25WsESu684h6HA5dHndvrvLZW174nZM5MR",
            "cTMC4XwPfBn3bz8kFaVTjaWdkQi6agzMxS11e8hpPHhqLrhGs",
        ),
        True,
    ),
    (KUSAMA, ("HRkCrbmke2XeabJ5fxJdgXWpBRPkXWfWHY8eTeCKwDdf4k6",), True),
    (KILT, ("4smVWa6Hb7WhGh9zgqdAE86p5eZyj8BQJ9Uro4o2zidBnmfX",), True),
    (KARURA, ("t9hkorC4PGtaw25WsESu684h6HA5dHndvrvLZW174nZM5MR",), True),
    (
        CRUST,
        (
            "cTMC4XwPfBn3bz8kFaVTjaWdkQi6agzMxS11e8hpPHhqLrhGs",
            "15rRgsWxz4H5LTnNGcCFsszfXD8oeAFd8QRsR6MbQE2f6XFF",
        ),
        True,
    ),
    # Substrate's documentation: the development key Alice, under 42 and under Polkadot's prefix
    (
        BITTENSOR,
        (
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
            "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
        ),
        True,
    ),
    # SEP-23
    (
        STELLAR,
        (
            "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
            "ga7qynf7sowq3glr2bgmzehxavirza4kvwltjjfc7mgxua74p7ujvsgz",
        ),
        True,
    ),
    # the Stellar namespace's CAIP-19 profile
    (STELLAR, ("CCW67TSZV3SSS2HXMBQ5JFGCKJNXKZM7UQUWUZPUTHXSTZLEO7SJMI75",), True),
    # CIP-19, all types
    *(
        (CARDANO, (address, address.upper()), True)
        for address in (
            "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
            "addr1z8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gten0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs9yc0hh",
            "addr1yx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerkr0vd4msrxnuwnccdxlhdjar77j6lg0wypcc9uar5d2shs2z78ve",
            "addr1x8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gt7r0vd4msrxnuwnccdxlhdjar77j6lg0wypcc9uar5d2shskhj42g",
            "addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k",
            "addr128phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtupnz75xxcrtw79hu",
            "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8",
            "addr1w8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtcyjy7wx",
            "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw",
            "stake178phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtcccycj5",
        )
    ),
    # cardano-wallet's documentation of Byron addresses, and bip_utils' vectors
    (CARDANO, ("Ae2tdPwUPEZLs4HtbuNey7tK4hTKrwNwYtGqp7bDfCy2WdR3P6735W5Yfpe",), True),
    (CARDANO, ("Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi",), True),
    # the Algorand namespace's CAIP-10 profile
    (ALGORAND, ("4EWWI7JNVXSFN4YRYA5DMN53U7NUHYC5YSMF67FAXDNRLDWDIWGM5DQGBA",), True),
    (ALGORAND, ("XSKED5VKZZCSYNDWXZJI65JM2HP7HZFJWCOBIMOONKHTK5UVKENBNVDEYM",), True),
    # the Tezos namespace's CAIP-10 profile; the USDt contract
    (TEZOS, ("tz1MJx9vhaNRSimcuXPK2rW4fLccQnDAnVKJ",), True),
    (TEZOS, ("tz3btDQsDkqq2G7eBdrrLqetaAfLVw6BnPez",), True),
    (TEZOS, ("KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn",), True),
    # the Filecoin specification's vectors
    (FILECOIN, ("f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy",), True),
    (FILECOIN, ("f24dd4ox4c2vpf5vk5wkadgyyn6qtuvgcpxxon64a",), True),
    (
        FILECOIN,
        ("f3vvmn62lofvhjd2ugzca6sof2j2ubwok6cj4xxbfzz4yuxfkgobpihhd2thlanmsh3w2ptld2gqkn2jvlss4a",),
        True,
    ),
    # filecoin-address-tool
    (
        FILECOIN,
        (
            "f410fzsusgohpsu24w5svz7bupq3n2ttpgzr7s5jap4i",
            "0xccA92338Ef9535cB7655CfC347c36dd4E6F3663f",
            "0xcca92338ef9535cb7655cfc347c36dd4e6f3663f",
        ),
        False,
    ),
    (FILECOIN, ("f01", "0xff00000000000000000000000000000000000001"), False),
    # the Internet Computer's ledger: the accounts of the management canister and of nobody
    (
        ICP,
        ("2d0e897f7e862d2b57d9bc9ea5c65f9a24ac6c074575f47898314b8d6cb0929d", "aaaaa-aa"),
        True,
    ),
    (
        ICP,
        ("1c7a48ba6a562aa9eaa2481a9049cdf0433b9738c992d698c31d8abf89cadc79", "2vxsx-fae"),
        True,
    ),
    (NEAR, ("wrap.near",), False),
    (NEAR, ("98793cd91a3f870fb126f66285808c7e094afcfc4eda8a970f6648cdf0dbd6de",), False),
    # the EOSIO namespace's CAIP-10 profile
    (EOS, ("bumblefudge1",), False),
    (EOS, ("a..........a",), False),
    (EOS, ("eosio.token",), False),
    # HIP-15
    (HEDERA, ("0.0.123", "0.0.123-vfmkw", "0x000000000000000000000000000000000000007b"), False),
    # Aptos' AIP-40, Sui's system state, the Starknet namespace's CAIP-10 profile and starknet.js
    (APTOS, ("0x" + "1".zfill(64), "0x1"), False),
    (SUI, ("0x" + "5".zfill(64), "0x5"), False),
    (
        STARKNET,
        (
            "0x02ddfb499765c064eac5039e3841aa5f382e73b598097a40073bd8b48170ab57",
            "0x02DdfB499765c064eaC5039E3841AA5f382E73B598097a40073BD8B48170Ab57",
            "0x2ddfb499765c064eac5039e3841aa5f382e73b598097a40073bd8b48170ab57",
        ),
        False,
    ),
    (
        STARKNET,
        (
            "0x02fd23d9182193775423497fc0c472e156c57c69e4089a1967fb288a2d84e914",
            "0x02Fd23d9182193775423497fc0c472E156C57C69E4089A1967fb288A2d84e914",
        ),
        False,
    ),
    # THORChain's reserve; bip_utils' vectors for Cosmos and Injective
    (THORCHAIN, ("thor1dheycdevq39qlkxs2a6wuuzyn4aqxhve4qxtxt",), True),
    (COSMOS, ("cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh",), True),
    # Injective's documentation
    (
        INJECTIVE,
        (
            "inj14au322k9munkmx5wrchz9q30juf5wjgz2cfqku",
            "0xAF79152AC5dF276D9A8e1E2E22822f9713474902",
        ),
        False,
    ),
    # Harmony's SDK
    (
        HARMONY,
        (
            "0xebcd16e8c1d8f493ba04e99a56474122d81a9c58",
            "one1a0x3d6xpmr6f8wsyaxd9v36pytvp48zckswvv9",
            "0xeBCD16e8c1D8f493bA04E99a56474122D81A9c58",
        ),
        False,
    ),
    # EIP-1191
    *(
        (ROOTSTOCK, (address.lower(), address), False)
        for address in (
            "0x27b1FdB04752BBc536007A920D24ACB045561c26",
            "0x5aaEB6053f3e94c9b9a09f33669435E7ef1bEAeD",
            "0x8617E340b3D01Fa5f11f306f4090fd50E238070D",
            "0xFb6916095cA1Df60bb79ce92cE3EA74c37c5d359",
        )
    ),
    # EIP-55 on a chain of EIP-1191
    (
        ROOTSTOCK,
        (
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        ),
        False,
    ),
    (
        XDC,
        (
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "xdc5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        ),
        False,
    ),
    (
        RONIN,
        (
            "0xec49280228b0d05aa8e8b756503254e1ee7835ab",
            "ronin:ec49280228b0d05aa8e8b756503254e1ee7835ab",
            "ronin:0xEC49280228b0D05Aa8e8b756503254e1eE7835ab",
        ),
        False,
    ),
    # the VeChain namespace's CAIP-10 profile
    (
        VECHAIN,
        (
            "0xf077b491b355e64048ce21e3a6fc4751eeea77fa",
            "0xf077b491b355E64048cE21E3A6Fc4751eEeA77fa",
        ),
        False,
    ),
)
