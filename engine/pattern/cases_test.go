package pattern_test

import (
	"strings"

	. "github.com/seed-4f09bd3a/weir/engine/pattern"
)

// body is a synthetic random-looking text for tokens, 160 characters long.
var body = strings.Repeat("aQ7xK2mZ9rT4wB8nL5vC1jH6yD3gF0sPpE0uRkN2", 4)

const (
	jwtHeader  = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
	jwtPayload = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6Inp6In0"
)

// pemLine is a line of base64 as PEM text has them.
var pemLine = strings.ReplaceAll(body[:62], "0", "/") + "+q"

// patternCases has the text of each case with every expected match in «», one
// match after the other where a long one is reported in pieces. All rules are on,
// and nothing else may match.
var patternCases = []struct {
	name string
	rule Rule
	text string
}{
	{"id", CNResidentID, "身份证号码：«" + residentID("11010519900307123") + "»。"},
	{"id with X", CNResidentID, "号码«" + "11010519491231002X" + "»有效"},
	{"id with small x", CNResidentID, "(«11010519491231002x»)"},
	{"id in full width", CNResidentID, "身份证«１１０１０５１９４９１２３１００２Ｘ»"},
	{"id with zero-width characters", CNResidentID, "«110105\u200b19491231\u200c002X»"},
	{"id in groups", CNResidentID, "«110105 19491231 002X» ok, «110105-19491231-002X»"},
	{"id at end", CNResidentID, "id=«" + residentID("44030120000229456") + "»"},
	{"id before a full stop", CNResidentID, "It is «" + residentID("44030120000229456") + "»."},
	{"id with wrong check digit", CNResidentID, "110105194912310021"},
	{"id with impossible date", CNResidentID, residentID("11010519900230123")},
	{"id of a year without leap day", CNResidentID, residentID("11010519000229123")},
	{"id of no province", CNResidentID, residentID("17010519900307123") + " " + residentID("99010519900307123")},
	{"id inside digits", CNResidentID, "9" + residentID("11010519900307123") + " " + residentID("11010519900307123") + "0"},
	{"id inside a word", CNResidentID, "no" + residentID("11010519900307123") + " 11010519491231002Xa 11010519491231002X_"},

	{"mobile", CNMobile, "请拨打«13800138001»联系我"},
	{"mobile grouped", CNMobile, "电话 «138 0013 8001»，或 «139-0013-8001»."},
	{"mobile with country code", CNMobile, "«+8613800138001», «+86 13800138001», «+86 138 0013 8001», «+86-138-0013-8001», «+86 138-0013-8001»"},
	{"mobile with other country codes", CNMobile, "«008613800138001», «0086 13800138001», «86 13800138001», «86-138-0013-8001»"},
	{"mobile list", CNMobile, "«13800138001» «13900139002»,«15912345678»\n«188 1234 5678» «199 1234 5678»"},
	{"mobile folded", CNMobile, "微信同号：«１３８００１３８００１»"},
	{"mobile in circled digits", CNMobile, "«①③⑧00138001»、«⑬800138001»"},
	{"mobile of no segment", CNMobile, "12800138001 15400138001 16800138001 17900138001 19400138001"},
	{"round amount", CNMobile, "15000000000 13000000000 17179869184"},
	{"mobile in a number", CNMobile, "113800138001 138001380012 0.13800138001 13800138001.5 3.13800138001"},
	{"mobile in an identifier", CNMobile, "id13800138001 order-13800138001 13800138001-a 13800138001.jpg x_13800138001"},
	{"amount of money", CNMobile, "¥13800138001 $13800138001 €13800138001"},
	{"millisecond timestamp", CNMobile, "1700000000000 1699999999999"},
	{"hyphen on one side", CNMobile, "2024-13800138001 13800138001-2024"},

	{"visa", BankCard, "card «4111111111111111»."},
	{"visa grouped", BankCard, "«4111 1111 1111 1111» «4111-1111-1111-1111»"},
	{"card then expiry and code", BankCard, "«4111 1111 1111 1111» 12/27 123"},
	{"card then ordinal", BankCard, "«4111 1111 1111 1111» 5th"},
	{"card after a year", BankCard, "in 2024 «4111 1111 1111 1111»"},
	{"mastercard", BankCard, "«5555555555554444» «2223003122003222»"},
	{"amex", BankCard, "«378282246310005» «3782 822463 10005»"},
	{"diners", BankCard, "«30569309025904» «3056 930902 5904»"},
	{"discover and jcb", BankCard, "«6011111111111117» «3530111333300000»"},
	{"unionpay", BankCard, "«" + card("621700301012345") + "», «" + card("621700301012345678") + "», «" + grouped(card("621700301012345678"), " ", 4, 4, 4, 4) + "», «" + grouped(card("621700301012345678"), " ", 6) + "»"},
	{"wrong luhn digit", BankCard, "4111111111111112 4111 1111 1111 1112"},
	{"unknown issuer", BankCard, card("123456789012345") + " " + card("901234567890123") + " " + card("0411111111111111")},
	{"card in a decimal", BankCard, "0.4111111111111111 4111111111111111.25"},
	{"card in a longer number", BankCard, "41111111111111110 x4111111111111111 4111111111111111x"},
	{"mixed separators", BankCard, "4111-1111 1111-1111"},
	{"hyphenated further", BankCard, "4111-1111-1111-1111-22 9-4111-1111-1111-1111"},
	{"uuid of digits", BankCard, "41111111-1111-4111-8111-111111111111"},

	{"my number grouped", JPMyNumber, "番号は«" + grouped(myNumber("23456789012"), " ", 4, 4) + "»です"},
	{"my number hyphenated", JPMyNumber, "«" + grouped(myNumber("23456789012"), "-", 4, 4) + "» 2024"},
	{"my number in context", JPMyNumber, "マイナンバー：«" + myNumber("23456789012") + "»、my number is «" + myNumber("98765432109") + "»"},
	{"my number in context of kanji", JPMyNumber, "個人番号 «" + myNumber("23456789012") + "» 个人番号«" + myNumber("23456789012") + "»"},
	{"my number in context of half-width kana", JPMyNumber, "ﾏｲﾅﾝﾊﾞｰ：«" + myNumber("23456789012") + "»"},
	{"my number in program text", JPMyNumber, `{"myNumber": "«` + myNumber("23456789012") + `»"}`},
	{"twelve digits without context", JPMyNumber, "id " + myNumber("23456789012")},
	{"another kind of number", JPMyNumber, "会員ナンバー " + myNumber("23456789012")},
	{"my number too far from its name", JPMyNumber, "マイナンバー" + strings.Repeat("あ", 22) + myNumber("23456789012")},
	{"my number with wrong check digit", JPMyNumber, "マイナンバー 234567890120 2345 6789 0120"},
	{"four groups", JPMyNumber, grouped(myNumber("23456789012"), " ", 4, 4) + " 2024, 2024 " + grouped(myNumber("23456789012"), " ", 4, 4)},
	{"all zeros", JPMyNumber, "0000 0000 0000, 1000 2000 3000"},

	{"jp mobile", JPPhone, "電話は«09012345678»、«080-1234-5678»、«070 1234 5678»"},
	{"jp mobile international", JPPhone, "«+819012345678», «+81 90 1234 5678», «+81-90-1234-5678», «+81 9012345678»"},
	{"jp landline", JPPhone, "«03-1234-5678» «045-123-4567» «0466-12-3456» «04992-1-2345» «03 1234 5678»"},
	{"jp landline with parentheses", JPPhone, "(«03)1234-5678»、«03(1234)5678»、（«０３）１２３４－５６７８»"},
	{"jp landline international", JPPhone, "«+81 3 1234 5678», «+81-3-1234-5678», «+81312345678»"},
	{"jp lines", JPPhone, "«090-1234-5678»\n«080-1234-5678»\n"},
	{"services", JPPhone, "0120-123-456 0800-123-4567 0570-12-3456 0120-12-3456"},
	{"landline in one piece", JPPhone, "0312345678"},
	{"no area code", JPPhone, "00-1234-5678 001-234-5678 1990-12-3456"},
	{"dates", JPPhone, "2024-01-02 01-02-2024 03/04/2024 2024.01.02"},

	{"ssn", USSSN, "SSN: «219-09-1234»."},
	{"ssn spaced in context", USSSN, "social security number «219 09 1234», ssn «219091234»"},
	{"ssn with en dashes", USSSN, "«219–09–1234»"},
	{"ssn never issued", USSSN, "000-12-3456 666-12-3456 900-12-3456 987-65-4320 219-00-1234 219-09-0000 078-05-1120"},
	{"ssn spaced without context", USSSN, "219 09 1234 219091234 className 219091234"},
	{"ssn joined further", USSSN, "219-09-1234-5 1-219-09-1234 219-09-12345 a-219-09-1234"},

	{"cn passport", CNPassport, "护照号码：«E12345678»，護照«G12345678», passport no. «EA1234567»"},
	{"hk passport", CNPassport, "passport «K12345678»"},
	{"passport in program text", CNPassport, `{"passport_number": "«E12345678»", "passportNo": "«E12345679»"}`},
	{"jp passport", JPPassport, "旅券番号 «TK1234567» パスポート：«TZ7654321» ぱすぽーと «MU1234567»"},
	{"jp passport in half-width kana", JPPassport, "ﾊﾟｽﾎﾟｰﾄ «TK1234567»"},
	{"us passport", USPassport, "Passport: «123456789», passport «A12345678»"},
	{"no passport", CNPassport, "part E12345678, 型号G12345678, AB1234567, 123456789"},
	{"passport of another length", CNPassport, "passport E1234567, passport E123456789, passport ABC123456, passport 1234567890"},

	{"email", Email, "mail «zz.term+tag@mail.zzcorp.co.jp», thanks"},
	{"email at the end of a sentence", Email, "Write to «zz@zzcorp.com». Or <«zz_1@zzcorp.io»>!"},
	{"email in han", Email, "联系«zz@zzcorp.cn»吧，发到«a-b@zz.com»（公司）"},
	{"email folded", Email, "«ＺＺ＠zzcorp．com»"},
	{"email with subdomain like a name", Email, "«x@sub-domain.zz-corp.net»-"},
	{"email then number", Email, "«zz@zzcorp.com».5"},
	{"reserved domains", Email, "user@example.com me@mail.example.org a@b.example x@y.test z@localhost.invalid"},
	{"not quite reserved", Email, "«user@example.com.cn» «user@myexample.com»"},
	{"decorators and versions", Email, "@app.route lodash@4.17.21 icon@2x.png a@b x@w.transpose me@host"},
	{"git address", Email, "git clone git@zzhost.com:a/b.git"},
	{"broken local part", Email, "a.@zzcorp.com @zzcorp.com a@.com a@zzcorp..com"},
	{"dots before", Email, "see...«zz@zzcorp.com»"},
	{"too long a local part", Email, strings.Repeat("a", 65) + "@zzcorp.com"},
	{"longest local part", Email, "«" + strings.Repeat("a", 64) + "@zzcorp.com»"},

	{"ipv4", IPv4, "from «81.2.69.142» and http://«93.184.216.34»/x, «93.184.216.34»:80 [«93.184.216.35»]."},
	{"ipv4 at the end of a sentence", IPv4, "It is «81.2.69.142». «81.2.69.143»"},
	{"ipv4 in han", IPv4, "地址是«81.2.69.142»。"},
	{"special addresses", IPv4, "10.1.2.34 127.0.0.1 192.168.1.100 172.16.40.1 169.254.99.1 0.0.0.0 255.255.255.0 192.0.2.44 198.51.100.7 203.0.113.99 100.64.99.1"},
	{"public resolvers and sections", IPv4, "8.8.8.8 1.1.1.1, section 3.2.10.4, OID 2.5.29.33, 2.5.4.42, 1.3.101.110"},
	{"versions", IPv4, "v81.2.69.142 version 81.2.69.142 Chrome/81.2.69.142 lib-81.2.69.142 81.2.69.142-beta 版本：81.2.69.142 バージョン81.2.69.142"},
	{"other dotted numbers", IPv4, "81.2.69.142.5 81.2.69 81.2.69.256 81.02.69.142 1.81.2.69.142 81.2.69.142a 81..2.69.142"},

	{"ipv6", IPv6, "«2606:2800:220:1:248:1893:25c8:1946», [«2A02:1450:4001:82a::200e»]:443, ip:«2606:2800:220:1::1» «2606:2800:220::»/48"},
	{"ipv6 at the end of a sentence", IPv6, "at «2606:2800:220:1:248:1893:25c8:1946»."},
	{"ipv6 behind a word", IPv6, "9zz:«2606:2800:220:1::1»"},
	{"special ipv6", IPv6, "::1 fe80::1:2:3 fc00:1:2::3 fd12:3456:789a::1 2001:db8::1:2 2001:db8:1:2:3:4:5:6 3fff::1:2 ff02::1"},
	{"not ipv6", IPv6, "12:30:45 2024:01:02 aa:bb:cc:dd:ee:ff 2001:4860 std::vector 2001::beef::1 20a1:1:2:3:4:5:6:7:8 2606:2800:220:1:248:1893:25c8:1946z fe80:2606:2800::1"},

	{"iban", IBAN, "«DE89370400440532013000», «DE89 3704 0044 0532 0130 00»; «GB29NWBK60161331926819» «de89-3704-0044-0532-0130-00»."},
	{"iban of the shortest and of a long kind", IBAN, "«NO93 8601 1117 947» «SC18 SSCB 1101 0000 0000 0000 1497 USD»"},
	{"made iban", IBAN, "«" + iban("FR", "20041010050500013M02606") + "» «" + iban("NL", "ABNA0417164300") + "»"},
	{"wrong iban check", IBAN, "DE88370400440532013000 DE88 3704 0044 0532 0130 00"},
	{"iban of another length", IBAN, "DE8937040044053201300 DE893704004405320130001 XDE89370400440532013000"},
	{"iban with odd groups", IBAN, "DE89 370400440532013000 DE893704 0044 0532 0130 00"},

	{"aws", APIKey, "key=«AKIA" + "Q3EGTW7ZLM5RK2XP»"},
	{"aws documentation", APIKey, "AKIA" + "IOSFODNN7EXAMPLE akiaq3egtw7zlm5rk2xp AKIA" + "Q3EGTW7ZLM5RK2XP7"},
	{"github", APIKey, "«ghp_" + body[:36] + "» \"«github_pat_" + body[:82] + "»\""},
	{"gitlab", APIKey, "«glpat-" + body[:20] + "»."},
	{"sk", APIKey, "OPENAI_API_KEY=«sk-" + body[:48] + "» «sk-proj-" + body[:120] + "» «sk-ant-api03-" + body[:93] + "»"},
	{"slack", APIKey, "«xoxb-" + "123456789012-1234567890123-" + body[:24] + "»"},
	{"google", APIKey, "«AIza" + body[:35] + "»"},
	{"others", APIKey, "«npm_" + body[:36] + "» «hf_" + body[:34] + "» «sk_" + "live_" + body[:24] + "» «SG." + body[:22] + "." + body[:43] + "». «gsk_" + body[:52] + "»"},
	{"placeholders", APIKey, "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sk-your-api-key-goes-here-please-replace-me ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
	{"series", APIKey, "sk-1234567890abcdefghijklmnopqrstuvwxyz ghp_abcdefghijklmnopqrstuvwxyz0123456789"},
	{"key of another length", APIKey, "ghp_" + body[:35] + " AIza" + body[:36] + " ghp-" + body[:36] + " GHP_" + body[:36]},
	{"key inside a word", APIKey, "xghp_" + body[:36] + " task-" + body[:48] + " x-ghp_" + body[:36]},
	{"css classes", APIKey, "sk-folding-cube-with-a-really-long-class-name-for-css"},

	{"jwt", JWT, "Bearer «" + jwtHeader + "." + jwtPayload + "." + body[:16] + "»«" + body[16:43] + "»."},
	{"jwt with the shortest signature", JWT, "«" + jwtHeader + "." + jwtPayload + "." + body[:16] + "»"},
	{"jwt of many pieces", JWT, "«" + jwtHeader + "." + jwtPayload + "." + body[:16] + "»«" + body[:64] + "»«" + body[:64] + "»«" + body[:7] + "»\n"},
	{"jwt without signature", JWT, jwtHeader + "." + jwtPayload + ". " + jwtHeader + "." + jwtPayload},
	{"not a jwt", JWT, "eyjhbgcioijiuzi1niisinr5cci6ikpxvcj9." + jwtPayload + "." + body[:43] + " " + jwtHeader + ".abcdefghijklm." + body[:43]},
	{"jwt placeholder", JWT, "eyJxxxxxxxxxx.eyJxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxx"},

	{"private key", PrivateKey, "x «-----BEGIN RSA PRIVATE KEY-----»«\n" + pemLine + "»«\n" + pemLine + "»«\nshortline==\n-----END RSA PRIVATE KEY-----» y"},
	{"private key in a string", PrivateKey, `"«-----BEGIN PRIVATE KEY-----»«\n` + pemLine + `»«\n-----END PRIVATE KEY-----»\n"`},
	{"private key cut off", PrivateKey, "«-----BEGIN EC PRIVATE KEY-----»«\n" + pemLine + "»«\n" + pemLine[:30] + "»"},
	{"private key cut off in a short line", PrivateKey, "«-----BEGIN EC PRIVATE KEY-----»«\n" + pemLine + "»«\n" + pemLine[:10] + "»"},
	{"pgp", PrivateKey, "«-----BEGIN PGP PRIVATE KEY BLOCK-----»«\n\n" + pemLine + "»«\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----»"},
	{"empty key", PrivateKey, "«-----BEGIN PRIVATE KEY-----»«\n...\n-----END PRIVATE KEY-----» rest"},
	{"header in prose", PrivateKey, "A file with «-----BEGIN PRIVATE KEY-----» in its first line is a key, and one without it is none. " + strings.Repeat("More words follow. ", 10)},
	{"key before a dash", PrivateKey, "key«-----BEGIN PRIVATE KEY-----»"},
	{"public things", PrivateKey, "-----BEGIN CERTIFICATE-----\n" + pemLine + "\n-----END CERTIFICATE-----\n-----BEGIN PUBLIC KEY-----\n-----END PRIVATE KEY-----"},
	{"other dashes", PrivateKey, "------BEGIN PRIVATE KEY------ ----BEGIN PRIVATE KEY---- --- well-known -----BEGIN PRIVATE KEYS-----"},

	{"prose", Email, "In 2024, about 1,234,567 people (12.5 %) moved; see RFC 8259, section 7.2.1, or call 555-0100 at 10:30. x = 3.14159265358979 * 2^64 = 18446744073709551616."},
	{"code", Email, "for (int i = 0; i < 1000000; i++) { buf[i] = 0xDEADBEEF >> 3; } // sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 550e8400-e29b-41d4-a716-446655440000"},
	{"chinese prose", Email, "2023年8月15日起施行，共24条。圆周率约为3.1415926535，人口约14.1亿，GDP为126.06万亿元。"},
}
