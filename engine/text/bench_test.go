package text_test

import (
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/text"
)

// The texts are plain prose of each kind, repeated to 64 KiB.
var benchTexts = []struct {
	name, text string
}{
	{"ascii", "The quick brown fox jumps over the lazy dog, and 42 others watch it; nobody asks why.\n"},
	{"chinese", "水库的大坝很低，河水从上面流过，只有不该过去的东西被拦下来。每一个字只看一次。"},
	{"traditional", "水庫的大壩很低，河水從上面流過，只有不該過去的東西被攔下來。每一個字只看一次。"},
	{"mixed", "Weir 是一个低坝：the stream flows over it，只拦该拦的。Ça marche à 100 % — がんばれ！\n"},
}

const benchBytes = 64 << 10 // 64 KiB

func BenchmarkFolder(b *testing.B) {
	for _, bt := range benchTexts {
		chunk := []byte(strings.Repeat(bt.text, benchBytes/len(bt.text)))
		b.Run(bt.name, func(b *testing.B) {
			b.SetBytes(int64(len(chunk)))
			b.ReportAllocs()
			dst := make([]text.Rune, 0, 256)
			runes := 0
			for b.Loop() {
				var f text.Folder
				runes = 0
				for rest := chunk; len(rest) > 0; {
					out, n := f.Append(dst[:0], rest)
					rest = rest[n:]
					runes += len(out)
				}
				if f.Scanned() != int64(len(chunk)) {
					b.Fatalf("scanned %d of %d bytes", f.Scanned(), len(chunk))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(runes), "ns/rune")
		})
	}
}

// BenchmarkFolderTokens feeds chunks of four bytes, as a model server does:
// most cut a Chinese rune.
func BenchmarkFolderTokens(b *testing.B) {
	for _, bt := range benchTexts {
		chunk := []byte(strings.Repeat(bt.text, benchBytes/len(bt.text)))
		b.Run(bt.name, func(b *testing.B) {
			b.SetBytes(int64(len(chunk)))
			b.ReportAllocs()
			dst := make([]text.Rune, 0, 2*text.MaxExpansion)
			for b.Loop() {
				var f text.Folder
				for i := 0; i < len(chunk); i += 4 {
					token := chunk[i:min(i+4, len(chunk))]
					if _, n := f.Append(dst, token); n != len(token) {
						b.Fatalf("consumed %d of %d bytes", n, len(token))
					}
				}
			}
		})
	}
}

func BenchmarkSkeleton(b *testing.B) {
	for _, bt := range benchTexts {
		s := strings.Repeat(bt.text, benchBytes/len(bt.text))
		plain := make([]text.Rune, 0, len(s)+text.MaxExpansion)
		var f text.Folder
		plain, _ = f.Append(plain, []byte(s))
		b.Run(bt.name, func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]text.Rune, 0, 64)
			kept := 0
			for b.Loop() {
				var skeleton text.Skeleton
				kept = 0
				for i := 0; i < len(plain); i += 32 {
					kept += len(skeleton.Append(dst[:0], plain[i:min(i+32, len(plain))]))
				}
			}
			if kept == 0 {
				b.Fatal("the skeleton view is empty")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(plain)), "ns/rune")
		})
	}
}
