package text_test

import (
	"fmt"

	"github.com/seed-4f09bd3a/weir/engine/text"
)

func ExampleFolder() {
	var f text.Folder
	dst := make([]text.Rune, 0, 2*text.MaxExpansion)
	for _, chunk := range []string{"Ｚ\u200bz", "-Té", "\xe5\x9c", "\x8bﬁ"} {
		for rest := []byte(chunk); len(rest) > 0; {
			runes, n := f.Append(dst, rest)
			for _, r := range runes {
				fmt.Printf("%c[%d,%d) ", r.R, r.Start, r.End())
			}
			rest = rest[n:]
		}
		fmt.Printf("scanned %d of %d\n", f.Scanned(), f.Received())
	}
	// Output:
	// z[0,3) z[6,7) scanned 7 of 7
	// -[7,8) t[8,9) e[9,11) scanned 11 of 11
	// scanned 11 of 13
	// 国[11,14) f[14,17) i[14,17) scanned 17 of 17
}

func ExampleSkeleton() {
	var f text.Folder
	plain, _ := f.Append(make([]text.Rune, 0, 64), []byte("z. z-t3rrм 國 家"))
	var s text.Skeleton
	for _, r := range s.Append(nil, plain) {
		switch {
		case r.Class&text.Repeat != 0:
			fmt.Print("(again)")
		case r.Class&text.Gap != 0:
			fmt.Print("_")
		default:
			fmt.Printf("%c", r.R)
		}
	}
	// Output: z_(again)_term_国_家
}

func ExampleSkeletonString() {
	fmt.Println(string(text.SkeletonString("zz-TERM")), string(text.SkeletonString("z z t 3 r м")))
	// Output: zterm zterm
}
