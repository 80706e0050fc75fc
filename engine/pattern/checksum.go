package pattern

// validResidentID checks a PRC citizen identity number by GB 11643-1999:
// province code, birth date, and the check character of ISO 7064 MOD 11-2.
// The last six digits of the address code are not checked against a list of
// counties: codes are retired, the numbers stay.
func validResidentID(v number) bool {
	body, check := v.value, uint64(10)
	if !v.withX {
		body, check = v.value/10, v.value%10
	}
	return isProvince(body/1e15) && isDate(body/1e3%1e8) && (modulo112(body)+check)%11 == 1
}

// modulo112 returns the sum of the 17 digits of body weighted by powers of two,
// the last digit by 2, modulo 11.
func modulo112(body uint64) uint64 {
	var sum uint64
	weight := uint64(2)
	for range 17 {
		sum += body % 10 * weight
		body /= 10
		weight = weight * 2 % 11
	}
	return sum % 11
}

// isProvince reports whether code is a province-level division of GB/T 2260,
// or 81 to 83: residents from Hong Kong, Macao and Taiwan.
func isProvince(code uint64) bool {
	switch code / 10 {
	case 1:
		return code%10 >= 1 && code%10 <= 5
	case 5:
		return code%10 <= 4
	case 2:
		return code%10 >= 1 && code%10 <= 3
	case 3:
		return code%10 >= 1 && code%10 <= 7
	case 4:
		return code%10 >= 1 && code%10 <= 6
	case 6:
		return code%10 >= 1 && code%10 <= 5
	case 7:
		return code == 71
	case 8:
		return code%10 >= 1 && code%10 <= 3
	}
	return false
}

// isDate reports whether yyyymmdd is a day of the years 1900 to 2099.
func isDate(yyyymmdd uint64) bool {
	year, month, day := yyyymmdd/1e4, yyyymmdd/100%100, yyyymmdd%100
	if year < 1900 || year > 2099 || month < 1 || month > 12 || day < 1 {
		return false
	}
	days := uint64(31)
	switch month {
	case 4, 6, 9, 11:
		days = 30
	case 2:
		days = 28
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			days = 29
		}
	}
	return day <= days
}

// validCard checks a payment card number: the issuer's range and the lengths
// used in it, then the Luhn digit of ISO/IEC 7812-1 Annex B. Ranges are those
// that the networks publish; rare lengths (Visa with 13 or 19, Maestro) are left
// out, because one arbitrary number in ten has a valid Luhn digit.
func validCard(v number) bool {
	p2, p3, p4 := v.prefix(2), v.prefix(3), v.prefix(4)
	known := false
	switch v.digits {
	case 14: // Diners Club
		known = 300 <= p3 && p3 <= 305 || p2 == 36 || p2 == 38 || p2 == 39
	case 15: // American Express
		known = p2 == 34 || p2 == 37
	case 16:
		known = p2/10 == 4 || // Visa
			51 <= p2 && p2 <= 55 || 2221 <= p4 && p4 <= 2720 || // Mastercard
			p4 == 6011 || 644 <= p3 && p3 <= 649 || p2 == 65 || // Discover
			3528 <= p4 && p4 <= 3589 || // JCB
			p2 == 62 // UnionPay
	case 17, 18, 19:
		known = p2 == 62
	}
	return known && luhn(v.value)
}

func luhn(value uint64) bool {
	var sum uint64
	for double := false; value > 0; double = !double {
		d := value % 10
		value /= 10
		if double {
			d *= 2
			d -= d / 10 * 9
		}
		sum += d
	}
	return sum%10 == 0
}

// validMyNumber checks the last digit of a Japanese Individual Number by
// Ordinance No. 85 of the Ministry of Internal Affairs and Communications of
// 2014, Art. 5: weights 2 to 7, then 2 to 6, from the right, modulo 11. One
// digit repeated, and round numbers in a row such as 1000 2000 3000, are refused.
func validMyNumber(v number) bool {
	if v.value%100 == 0 && v.value/1e4%100 == 0 && v.value/1e8%100 == 0 {
		return false
	}
	var sum uint64
	body := v.value / 10
	first := body % 10
	same := v.value%10 == first
	for n := range uint64(11) {
		d := body % 10
		body /= 10
		same = same && d == first
		sum += d * (n%6 + 2)
	}
	check := 11 - sum%11
	if check >= 10 {
		check = 0
	}
	return !same && check == v.value%10
}

// validSSN refuses what the Social Security Administration never issued: area
// 000, 666 and 900 to 999, group 00, serial 0000 (POMS RM 10201.035), and two
// numbers that became invalid by being printed on sample cards and pamphlets.
func validSSN(v number) bool {
	area, group, serial := v.value/1e6, v.value/1e4%100, v.value%1e4
	return area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 &&
		v.value != 78051120 && v.value != 219099999
}

// validCNMobile checks the country code, if there is one, and the segment: the
// second and third digit of those that MIIT has assigned to mobile subscribers.
// A round number such as 15000000000 is an amount, and 17179869184, the only
// power of two among them, is common in program text.
func validCNMobile(v number) bool {
	country := v.value / 1e11
	if country != 0 && country != 86 || country == 0 && v.digits != 11 {
		return false
	}
	national := v.value % 1e11
	if national/1e10 != 1 || national%1e6 == 0 || national == 1<<34 {
		return false
	}
	var assigned uint16
	switch national / 1e9 % 10 {
	case 3, 8:
		assigned = anyDigit
	case 4:
		assigned = 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<9
	case 5, 9:
		assigned = anyDigit &^ (1 << 4)
	case 6:
		assigned = 1<<2 | 1<<5 | 1<<6 | 1<<7
	case 7:
		assigned = anyDigit &^ (1 << 9)
	}
	return assigned>>(national/1e8%10)&1 != 0
}

// validJPMobile accepts 070, 080, 090 and the IP telephone code 050. The digit
// after it is not 0, which keeps the free-call code 0800 out.
func validJPMobile(v number) bool {
	code := v.prefix(3)
	return (code == 50 || code == 70 || code == 80 || code == 90) && v.prefix(4)%10 != 0
}

// validJPLandline accepts area codes, which begin with 0 and a digit from 1 to
// 9, but for codes that belong to services and not to persons.
func validJPLandline(v number) bool {
	if v.prefix(2) == 0 || v.value%1e8 == 0 {
		return false
	}
	switch v.prefix(4) {
	case 120, 170, 180, 570, 800, 990:
		return false
	}
	return true
}

// validJPInternational accepts numbers in the form of ITU-T E.164: 81, then a
// mobile number or a landline number without its leading 0.
func validJPInternational(v number) bool {
	national := number{value: v.value % pow10[v.digits-2], digits: v.digits - 1}
	if v.prefix(2) != 81 {
		return false
	}
	if national.digits == 11 {
		return validJPMobile(national)
	}
	return validJPLandline(national)
}
