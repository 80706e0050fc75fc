// Package pattern finds personal information and secrets in the plain folded
// view of a stream: numbers with check digits, addresses, keys and tokens.
//
// # The problem
//
// The naive way is a list of regular expressions over the text so far, run again
// with every chunk, and then the check digits of what they found. It costs more
// with every chunk, and it cannot tell which text may be shown: "4111 1111" may
// be the first half of a card number or the end of the story. This package reads
// each rune once. A State of about 400 bytes, without pointers, is all that is
// kept of a stream, and at any rune it knows where the earliest text begins that
// could still become a match; see Set.Hold.
//
// Four promises, each with a fuzz test:
//
//   - What is found, and at which rune it is decided, depends on the text alone
//     and not on how it is cut into calls.
//   - No byte of a match of a hold rule lies before an offset that Hold let go.
//   - The cost is constant per rune: about 34 ns for a model's token of four bytes
//     of English prose with all rules on, Hold included, on a shared two-core
//     machine (go test -bench Scan); nothing is allocated.
//   - The shortcuts inside words change nothing.
//
// # How it works
//
// Every rune has a kind, a set of roles such as digit, hex letter, hyphen (see
// kind.go). A machine is live while it is inside something that may become a
// match; on most runes of prose none is, or only that of e-mail addresses,
// because every word may be the beginning of one. The machines:
//
//   - Numbers (number.go) reads groups of digits joined by white space, hyphens
//     or parentheses. When a group ends, the latest groups are compared with the
//     formats in format.go: lengths, joins, first digit, context, check digit.
//     Formats are data; a new one is a line in a table. Of the numbers that end
//     with a group the leftmost, longest wins; a number that a further group
//     could make a longer one waits for that group.
//   - E-mail addresses (email.go): local part, then label by label.
//   - IPv4 and IPv6 addresses (ip.go), IBANs (iban.go), passports (passport.go).
//   - Tokens with a vendor's prefix (secret.go), JSON Web Tokens (jwt.go).
//   - PEM private keys (pem.go).
//   - Context words (context.go): some formats count only within 64 bytes behind
//     a word such as passport, マイナンバー or SSN.
//
// # What is held, at most
//
// Numbers: 5 groups of up to 19 digits, and only while a format can still be
// reached: digits that begin like none, or run on past the longest, hold
// nothing. E-mail: 64 runes before the @, 255 behind it. IPv4: 16 runes. IPv6: 40.
// IBAN: 41. Keys: prefix and up to 512 runes (PyPI; else 256). JSON Web Tokens:
// 8 KiB, 2 KiB before the first dot. PEM: 48 runes of a label, 128 of a body.
// What is longer is no match, but for the two secrets below.
//
// # Secrets longer than anybody should hold
//
// A private key is decided with the last dash of its header, so a halt falls on
// the header. The span of that first match is the header. The body and the
// footer follow as further matches with Continues set, each beginning where the
// one before ended, so that redaction covers everything and need show one
// replacement text only. The body is held in the meantime, at most a line or two.
// It ends with the footer, or when 128 runes have come without a run of 24 runes
// of base64, so that prose behind a header that is only talked about is shown.
// The header alone is a match, even of an empty or abridged example: whoever
// wants to halt must not wait for the key.
//
// A JSON Web Token is decided 16 runes into its signature, or at 8 KiB; the rest
// follows in pieces of 64 runes in the same way.
//
// # Precision
//
// Language models write code, versions, dates, tables and mathematics; a guard
// that stops those is switched off. Over 134 MiB of Go and Python sources and
// their documentation all rules together, e-mail and IP addresses aside, matched
// 24 times; 11 of these have the form of what they look for (samples in tests).
// What each rule refuses for that:
//
//   - All: a match stands alone. No letter, digit or underscore of a script that
//     separates words touches it (Han and kana may); numbers are no decimals,
//     amounts of money ($1234), or parts of identifiers (order-1234, 1234.jpg).
//   - cn_resident_id: 15-digit numbers of before 1999, which have no check digit.
//   - cn_mobile: segments that are not assigned, amounts that end in six zeros.
//   - cn_passport, jp_passport, us_passport: everything without a word for
//     passport before it. The form alone decides which of the three it is.
//   - bank_card: numbers of unknown issuer ranges and unusual lengths; one number
//     in ten has a valid Luhn digit. Groups must be those printed on cards.
//   - jp_my_number: 12 bare digits without its name before them, since one in
//     eleven has a valid check digit; 4-4-4 with blanks beside more digits.
//   - jp_phone: landline numbers in one piece; free-call and service numbers.
//   - us_ssn: without its name before it, all but 3-2-4 with hyphens.
//   - email: domains reserved for examples and tests (RFC 2606), git@host, which
//     addresses a source repository, and top-level domains that are none or that
//     few people use but file names and program text do (icon@2x.png).
//   - ipv4, ipv6: private, documentation and other special-purpose blocks; what
//     follows a v, a slash, a hyphen or a word for version; section numbers.
//   - iban: unknown countries and lengths; groups other than four.
//   - api_key: fewer than eight different characters, series (abcdef, 123456), words
//     without digits where keys have some, and AWS keys that end in EXAMPLE.
//   - jwt: two parts only (no signature), encrypted tokens of five parts.
//
// # Known gaps
//
// A blank and a line break are the same to the folded view, and a number may go
// on behind either. Two numbers that overlap are reported as the one that ends
// first. Context words count only before what they name.
package pattern
