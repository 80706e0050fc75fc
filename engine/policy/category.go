package policy

import (
	"fmt"
	"math/bits"
	"strings"
)

// Category is a kind of harm. The taxonomy is fixed: operators fill the slots
// at its end with packs of their own, they do not add names. The comments give
// the article of the Interim Measures for the Management of Generative AI
// Services (2023) that each category answers to.
type Category uint8

// The taxonomy. Its order is part of the wire format of snapshots and must not
// change; new categories go before NumCategories.
const (
	Violence                  Category = iota // Art. 4(1)
	Terrorism                                 // Art. 4(1)
	Hatred                                    // Art. 4(1), ethnic hatred
	Sexual                                    // Art. 4(1)
	Misinformation                            // Art. 4(1)
	DiscriminationEthnicity                   // Art. 4(2)
	DiscriminationBelief                      // Art. 4(2)
	DiscriminationNationality                 // Art. 4(2)
	DiscriminationRegion                      // Art. 4(2)
	DiscriminationGender                      // Art. 4(2)
	DiscriminationAge                         // Art. 4(2)
	DiscriminationOccupation                  // Art. 4(2)
	DiscriminationHealth                      // Art. 4(2)
	IP                                        // Art. 4(3), verbatim copying and secrets
	SelfHarm                                  // Art. 4(4)
	Harassment                                // Art. 4(4)
	Privacy                                   // Art. 4(4), personal information
	Illicit                                   // Art. 4(1) and other laws: weapons, drugs, fraud
	PromptAttack                              // for prompts
	NationalSecurity                          // operator slot
	Subversion                                // operator slot
	Secession                                 // operator slot
	NationalImage                             // operator slot
	SocialStability                           // operator slot
	Other                                     // operator slot
	NumCategories             = iota
)

// NoCategory stands where no harm was found and yet the engine had to decide:
// in the finding of a detector that failed.
const NoCategory Category = 255

var categoryNames = [NumCategories]string{
	"violence", "terrorism", "hatred", "sexual", "misinformation",
	"discrimination.ethnicity", "discrimination.belief", "discrimination.nationality", "discrimination.region",
	"discrimination.gender", "discrimination.age", "discrimination.occupation", "discrimination.health",
	"ip", "self_harm", "harassment", "privacy", "illicit", "prompt_attack",
	"national_security", "subversion", "secession", "national_image", "social_stability", "other",
}

// String returns the category's id as policies, packs and the wire spell it.
func (c Category) String() string {
	if int(c) < len(categoryNames) {
		return categoryNames[c]
	}
	if c == NoCategory {
		return "none"
	}
	return fmt.Sprintf("category(%d)", uint8(c))
}

// IsOperatorSlot reports whether c is one of the categories for which Weir
// ships nothing and which an operator fills under its own law and name.
func (c Category) IsOperatorSlot() bool { return c >= NationalSecurity && c < NumCategories }

// ParseCategory returns the category with the given id.
// The error names the id and lists the taxonomy.
func ParseCategory(id string) (Category, error) {
	for i, n := range categoryNames {
		if n == id {
			return Category(i), nil
		}
	}
	return 0, fmt.Errorf("unknown category %.60q: want one of %s", id, strings.Join(categoryNames[:], ", "))
}

// CategorySet is a set of categories; the zero value is empty.
type CategorySet uint32

// Set returns the set with c added.
func (s CategorySet) Set(c Category) CategorySet { return s | 1<<c }

// Has reports whether c is in the set.
func (s CategorySet) Has(c Category) bool { return s&(1<<c) != 0 }

// Len returns the number of categories in the set.
func (s CategorySet) Len() int { return bits.OnesCount32(uint32(s)) }

// Categories returns the members in the taxonomy's order.
func (s CategorySet) Categories() []Category {
	out := make([]Category, 0, s.Len())
	for ; s != 0; s &= s - 1 {
		out = append(out, Category(bits.TrailingZeros32(uint32(s))))
	}
	return out
}
