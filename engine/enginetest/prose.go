package enginetest

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// The parts of sentences; every combination is a plain sentence of its language.
var (
	english = [][]string{
		{"The old library", "A small team of nurses", "My neighbour", "Every second student", "The night train to the coast", "Her younger brother", "The committee", "One of the gardeners", "A careful reader", "The museum in the harbour", "Our new colleague", "This version of the program", "The weather station", "An experienced cook", "The bridge across the river"},
		{"has quietly collected", "will need", "often forgets", "is looking for", "wrote a long letter about", "could not explain", "prefers", "carried home", "was asked to repair", "has never seen", "keeps a record of", "explained to the visitors", "depends on", "compares", "would like to borrow"},
		{"three kinds of apples", "the history of the valley", "a better map", "some warm bread and cheese", "the second chapter", "an answer that everybody understands", "the numbers of last winter", "a quiet place to work", "the instruments in the cellar", "what the children painted", "the shortest way through the forest", "tickets for the concert", "a list of open questions", "the colour of the morning sky", "two hundred photographs"},
		{"because the road was closed.", "while it was raining outside.", "before the summer ends.", "as far as we know.", "without much trouble.", "and nobody was surprised.", "after a long discussion.", "if there is time.", "in spite of the noise.", "for the first time in years.", "which took most of the day.", "although the shop was closed.", "with the help of a friend.", "at the end of the month.", "so that everyone could read it."},
	}
	chinese = [][]string{
		{"老图书馆", "我的邻居", "每个新同事", "开往海边的夜车", "她的弟弟", "花园里的工人", "这座博物馆", "气象站", "一位有经验的厨师", "河上的那座桥", "今年的报告", "学校的合唱团", "山脚下的村子", "这个程序的新版本", "细心的读者"},
		{"今天下午", "在下雨之前", "从去年冬天开始", "每到周末", "不知道为什么", "按照说明书", "在朋友的帮助下", "经过长时间的讨论", "第一次", "总是", "已经", "也许很快", "为了节约时间", "像往常一样", "在很多人面前"},
		{"整理了三种苹果", "需要一张更好的地图", "讲解了山谷的历史", "带来了热面包和奶酪", "读完了第二章", "记录了水面的高度", "借走了两百张照片", "找到了一个安静的地方", "比较了不同的颜色", "修好了地下室的乐器", "准备了音乐会的门票", "写了一封很长的信", "列出了没有解决的问题", "画下了早晨的天空", "学会了最短的路线"},
		{"，大家都很高兴。", "，因为道路正在施工。", "，不过商店已经关门了。", "，花了大半天的时间。", "。", "，没有人觉得奇怪。", "，然后慢慢走回家。", "，这对我们很有帮助。", "，就像书里写的那样。", "，请您耐心等待。", "，结果比预想的要好。", "，并且留下了详细的说明。", "，虽然天气不太好。", "，以便所有人都能看懂。", "，明天再继续。"},
	}
	japanese = [][]string{
		{"古い図書館は", "隣の人は", "新しい同僚は", "海へ向かう夜行列車は", "彼女の弟は", "庭の手入れをする人は", "港の博物館は", "気象台は", "腕のよい料理人は", "川にかかる橋は", "今年の報告書は", "村の学校は", "このプログラムの新しい版は", "注意深い読者は", "私たちの委員会は"},
		{"今日の午後に", "雨が降る前に", "去年の冬から", "週末になると", "なぜか", "説明書のとおりに", "友人の助けを借りて", "長い話し合いのあとで", "初めて", "いつものように", "少しずつ", "時間を節約するために", "大勢の前で", "夏が終わるまでに", "静かに"},
		{"三種類のりんごを集めました", "もっとよい地図を探しています", "谷の歴史を説明しました", "温かいパンとチーズを運びました", "第二章を読み終えました", "水面の高さを記録しました", "二百枚の写真を借りました", "静かな場所を見つけました", "色の違いを比べました", "地下室の楽器を直しました", "音楽会の切符を用意しました", "長い手紙を書きました", "残っている問題を並べました", "朝の空を描きました", "森を抜ける近道を覚えました"},
		{"。", "が、誰も驚きませんでした。", "。道が閉まっていたからです。", "ので、みんな喜びました。", "。半日ほどかかりました。", "が、店はもう閉まっていました。", "。あとは明日にします。", "。本に書いてあるとおりです。", "。誰にでも読めるようにするためです。", "。少々お待ちください。", "。結果は思ったよりよいものでした。", "。詳しい説明も残しました。", "。天気はあまりよくありませんでした。", "。ゆっくり歩いて帰りました。", "。とても助かります。"},
	}
)

// The words of asides, which stand between sentences: stems with endings, and
// characters in pairs, so that the text is as varied as real text is.
var (
	stems      = strings.Fields("accept act add admit adopt advis agree allow answer appear apply arrang arriv ask assist attend avoid balanc begin behav belong blend borrow bother branch break brighten bring brush build burn calm captur car carry catch chang charg check choos circl claim clean climb clos collect comb compar complet connect consider contain copy correct count cover cross curl danc dar deal decid deliver depend describ design develop discover divid doubt dream dress drift dry earn echo edit employ enjoy enter equal escap examin exist expand expect explain explor extend fad fasten feed fetch fill find finish float flow fold follow form freez frown gather glow grant greet grow guess handl happen harvest heal heat help hesitat hop hurry imagin improv includ increas inform intend introduc invit join judg jump keep kneel knit knock last laugh launch lean learn lend listen liv load lock look manag march mark match measur melt mend mention merg mix multipl nod not obtain offer open order paint park part pass paus perform plan plant play point pour practis prepar present preserv press promis protect provid pull push quot rais reach read receiv record reduc reflect refus relax remain remember repeat reply rescu rest return roll rush sav scatter search seem send serv settl shar shin shrug sing sketch slid smil solv sort sound spend spread start stay stir stretch supply support surpris switch taste teach thank think tid touch travel treat trust turn twist unit visit wait walk wander warm wash watch weigh whistl wink wonder work wrap writ yield")
	endings    = strings.Fields("ing ed er ers able ation ful ment s es")
	characters = []rune("的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学之都好看起发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老因很给名法间斯知世什两次使身者被高已亲其进此话常与活正感见明问力理尔点文几定本公特做外孩相西果走将月十实向声车全信重三机工物气每并别真打太新比才便夫再书部水像眼等体却加电主界门利海受听表德少克代员许先口由死安写性马光白或住难望教命花结乐色更拉东神记处让母父应直字场平报友关放至张认接告入笑内英军候民岁往何度山觉路带万男边风解叫任金快原吃妈变通师立象数四失满战远格士音轻目条呢病达深完今提求清王化空业思切怎非找片罗钱语元喜曾离飞科言干流欢约各即指合反题必该论交终林请医晚制球决传画保读运及则房早院量苦火布品近坐产答星精视五连司巴奇管类未朋且婚台夜青北队久乎越观落尽形影红爸百令周吧识步希亚术留市半热送兴造谈容极随演收首根讲整式取照办强石古华诗拍")
)

// aside returns a few words of the language that are no sentence.
func aside(rng *rand.Rand, lang int) string {
	var b strings.Builder
	for range 6 + rng.IntN(10) {
		if lang == 0 {
			b.WriteString(stems[rng.IntN(len(stems))] + endings[rng.IntN(len(endings))] + " ")
			continue
		}
		b.WriteRune(characters[rng.IntN(len(characters))])
		b.WriteRune(characters[rng.IntN(len(characters))])
		if lang == 2 {
			b.WriteString([]string{"は", "の", "を", "に", "が", "した", "です", "から"}[rng.IntN(8)])
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// Prose returns plain text of at least size bytes, lines of English, Chinese
// and Japanese in turn, a third of the bytes each, sentences and loose words in
// turn. The same seed gives the same
// text. It is for benchmarks: nothing in it should match anything.
func Prose(seed uint64, size int) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	var used [3]int
	for b.Len() < size {
		lang := 0
		for i := range used {
			if used[i] < used[lang] {
				lang = i
			}
		}
		before := b.Len()
		for _, parts := range [][][]string{english, chinese, japanese}[lang] {
			b.WriteString(parts[rng.IntN(len(parts))])
			if lang == 0 {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
		b.WriteString(aside(rng, lang))
		used[lang] += b.Len() - before
	}
	return b.String()
}

// Terms returns n distinct invented terms that look like the text and do not
// occur in it: a third English, made letter by letter after the two before, the
// rest Chinese and Japanese, two to five characters of the text.
func Terms(seed uint64, n int, text string) []string {
	rng := rand.New(rand.NewPCG(seed, 2))
	text = strings.ToLower(text)
	runes := []rune(text)
	letter := func(r rune) bool { return 'a' <= r && r <= 'z' }
	after := map[[2]rune][]rune{}
	var starts [][2]rune
	var wide []rune
	for i := 0; i+2 < len(runes); i++ {
		if runes[i] >= 0x3041 {
			wide = append(wide, runes[i])
		}
		if !letter(runes[i]) || !letter(runes[i+1]) {
			continue
		}
		pair := [2]rune{runes[i], runes[i+1]}
		if letter(runes[i+2]) {
			after[pair] = append(after[pair], runes[i+2])
		}
		if i > 0 && !letter(runes[i-1]) {
			starts = append(starts, pair)
		}
	}
	wide = slices.DeleteFunc(wide, func(r rune) bool { return r >= 0xff00 })
	seen := map[string]bool{}
	var out []string
	for len(out) < n {
		var term []rune
		if len(out)%3 == 0 {
			pair := starts[rng.IntN(len(starts))]
			term = append(term, pair[:]...)
			for want := 4 + rng.IntN(9); len(term) < want && len(after[pair]) > 0; {
				next := after[pair][rng.IntN(len(after[pair]))]
				term = append(term, next)
				pair = [2]rune{pair[1], next}
			}
		} else {
			for range 2 + rng.IntN(4) {
				term = append(term, wide[rng.IntN(len(wide))])
			}
		}
		s := string(term)
		if len(term) < 2 || letter(term[0]) && len(term) < 4 || seen[s] || strings.Contains(text, s) {
			continue
		}
		seen[s] = true
		out = append(out, s)
	}
	return out
}

// Tokens cuts text into pieces of four bytes on average, as a model's tokens are
// about that long: every four bytes, or at the next rune.
func Tokens(text string) [][]byte {
	var out [][]byte
	from := 0
	for at := 4; from < len(text); at += 4 {
		end := min(max(at, from+1), len(text))
		for end < len(text) && text[end]&0xc0 == 0x80 {
			end++
		}
		out = append(out, []byte(text[from:end]))
		from = end
	}
	return out
}
