package classifier

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/dgraph-io/ristretto/v2"
)

// Cache keeps what strides came to, so that a text that begins like another one
// (a retry, one of several samples, a template, a popular answer) costs no
// inference until it differs. It is safe for concurrent use and may be shared
// by all batchers.
//
// A hit must equal computing again. It does, because the key is a digest of
// everything that a stride's result depends on: the model and, for a recurrent
// model, all strides of the text so far, chained; for a window model, the
// window. The digest is SHA-256 with a secret of this process, cut to 128 bits:
// nobody can make two texts meet, which would give one text another's verdict.
// The cache holds scores and states, never text.
type Cache struct {
	entries *ristretto.Cache[[]byte, *cached]
	secret  [sha256.Size]byte
}

// cached is what a stride came to. It is immutable.
type cached struct {
	scores, state []float32
}

type cacheKey [16]byte

// NewCache returns a cache that holds up to maxBytes. maxBytes must be positive.
func NewCache(maxBytes int64) (*Cache, error) {
	const usual = 2 << 10 // bytes of an entry, about
	c := &Cache{}
	if _, err := rand.Read(c.secret[:]); err != nil {
		return nil, fmt.Errorf("classifier: cache: %w", err)
	}
	var err error
	c.entries, err = ristretto.NewCache(&ristretto.Config[[]byte, *cached]{
		NumCounters: max(10*maxBytes/usual, 1000), // ristretto asks for ten times the entries
		MaxCost:     maxBytes,
		BufferItems: 64,
		Metrics:     true,
		// The key is a digest already: its halves are the two hashes that ristretto wants.
		KeyToHash: func(key []byte) (uint64, uint64) {
			return binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:])
		},
	})
	if err != nil {
		return nil, fmt.Errorf("classifier: cache: %w", err)
	}
	return c, nil
}

// Close frees the cache. No batcher may use it any more.
func (c *Cache) Close() { c.entries.Close() }

// Settle waits until everything put so far can be found or has been turned
// away. For tests.
func (c *Cache) Settle() { c.entries.Wait() }

// CacheStats are counts since the start.
type CacheStats struct {
	Hits, Misses uint64
	Evicted      uint64 // entries
	Bytes        int64  // held now, about
}

// Stats returns the counts.
func (c *Cache) Stats() CacheStats {
	m := c.entries.Metrics
	return CacheStats{
		Hits: m.Hits(), Misses: m.Misses(), Evicted: m.KeysEvicted(),
		Bytes: int64(m.CostAdded()) - int64(m.CostEvicted()),
	}
}

func (c *Cache) get(key cacheKey) (*cached, bool) { return c.entries.Get(key[:]) }

func (c *Cache) put(key cacheKey, scores, state []float32) {
	values := make([]float32, len(scores)+len(state))
	v := &cached{scores: values[:len(scores):len(scores)], state: values[len(scores):]}
	copy(v.scores, scores)
	copy(v.state, state)
	const overhead = 160 // of the entry itself, its slices, and ristretto's maps
	c.entries.Set(key[:], v, int64(4*len(values)+overhead))
}

// keyer makes the keys of one stream's strides. It belongs to whoever holds the
// stream's lock.
type keyer struct {
	hash hash.Hash
	sum  [sha256.Size]byte
	text []byte
}

// next returns the key of a stride, given the key of the stride before: for a
// recurrent model the chain stands for all the text before; a window model
// passes the zero key every time.
func (k *keyer) next(c *Cache, model string, before cacheKey, runes []rune, last bool) cacheKey {
	if k.hash == nil {
		k.hash = sha256.New()
	}
	b := append(k.text[:0], c.secret[:]...)
	b = binary.AppendUvarint(b, uint64(len(model)))
	b = append(b, model...)
	b = append(b, before[:]...)
	end := byte(0)
	if last {
		end = 1
	}
	b = append(b, end)
	for _, r := range runes {
		b = binary.LittleEndian.AppendUint32(b, uint32(r))
	}
	k.hash.Reset()
	_, _ = k.hash.Write(b)
	k.text = b
	return cacheKey(k.hash.Sum(k.sum[:0])[:16])
}
