/*
Package classifier scores streams for categories of harm while they are being
generated.

# The naive version

To judge a text as it grows, one would run a classifier over all of it, or over
its last few hundred runes, after every chunk. Every rune is then read many
times over, what a chunk is decides what the model sees, and one slow call holds
up one stream while the machine idles.

# Strides

A Model judges strides: a fixed number of folded runes, counted from the start
of the stream. Where a stride ends depends on the text alone, so scores do too,
however the text was cut into chunks. A recurrent model carries a state from
stride to stride and reads every rune once; its cost is the same at rune 10 and
at rune 100,000. A window model (the usual transformer) has no state and reads
the last WindowRunes again at the end of every stride; it is what an operator
brings along, and a Gate keeps it from running on text that a cheaper model
finds harmless. It may ask for the text as it was written, since a model with
capital letters in its vocabulary is lost without them; its strides end where
they would end in the folded text.

# The batcher

A model runs fastest on many streams at once, but waiting for more streams to
come costs latency. A Batcher therefore never waits: a worker takes whatever
streams are there, at most MaxBatch, and while its step runs others gather. On an
idle machine a stride waits for nothing; under load batches grow by themselves.
A stream is in the queue at most once and never while it runs, so its strides
stay in order. Goroutines of streams never call a model: a call from Go into C
holds a thread, and hundreds of them ruin the latency of everything else.

The queue is bounded. Past about 85 % of what the machine can do waiting times
explode, and a guard that answers late is no guard: a stream that finds the
queue full is told so at once (ErrOverloaded), and its policy says what follows.

A step works on copies. If it fails, the streams of its batch are tried again
one by one, so that one text that breaks the model breaks no other. If it does
not end in time, its streams are told (ErrTimeout), it is cancelled, and another
worker takes its place; should it ever end, it finds that nobody waits.

# Sessions

A Session is one stream's way through its models: strides wait in one queue and
are judged in order, so that a gate is judged before what it gates. Results
are the same whether the caller waits for each (a profile that releases nothing
unscored) or takes them as they come.

# The cache

Generations repeat: retries, samples of one prompt, templates. A Cache maps
everything that a stride's result depends on to the result, and so a repeated
text costs no inference until it differs. Cache says why a hit equals computing
again; FuzzCache holds it to that.
*/
package classifier
