"""The streaming classifier: hashed n-gram embeddings, then layers of a gated
linear recurrence (SRU: Lei et al. 2018, arXiv:1709.02755, without its
elementwise peephole), then one linear head per rune.

The recurrence c[t] = f[t] c[t-1] + (1 - f[t]) z[t] keeps every state a weighted
mean of past inputs: it can neither grow nor drift, however long the text, and
all matrix products run over all runes at once.
"""

import math

import torch
from torch import nn

from . import features
from .recurrence import recurrence


class Layer(nn.Module):
    def __init__(self, width, longest=256.0):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gates = nn.Linear(width, 3 * width)
        with torch.no_grad():
            # Memories between 2 and `longest` runes, evenly on a log scale.
            runes = torch.exp(torch.linspace(math.log(2.0), math.log(longest), width))
            keep = 1 - 1 / runes
            self.gates.bias[width : 2 * width] = torch.log(keep / (1 - keep))

    def forward(self, x, c0):
        return recurrence(self.gates(self.norm(x)), x, c0)


class Weir(nn.Module):
    def __init__(self, labels, dim=48, layers=2, vocabulary=0, dropout=0.2):
        super().__init__()
        self.width = dim * features.FEATURES
        self.tables = nn.Embedding(features.ROWS, dim, sparse=True)
        nn.init.normal_(self.tables.weight, std=0.3)
        self.layers = nn.ModuleList(Layer(self.width) for _ in range(layers))
        self.norm = nn.LayerNorm(self.width)
        self.hidden = nn.Linear(self.width, 64)
        self.head = nn.Linear(64, labels)
        nn.init.constant_(self.head.bias, -3.0)
        self.next = nn.Linear(self.width, vocabulary) if vocabulary else None
        self.dropout = dropout

    def zeros(self, batch):
        return [torch.zeros(batch, self.width) for _ in self.layers]

    def drop(self, x):
        if not self.training:
            return x
        # One mask for all runes of a lane: a full one costs more than a layer.
        keep = torch.rand(x.shape[0], 1, x.shape[2]) >= self.dropout
        return x * (keep / (1 - self.dropout))

    def forward(self, ids, state):
        """ids [batch, time, features] → logits [batch, time, labels], the last
        hidden layer, and the state to go on with."""
        e = self.tables(ids)
        if self.training:
            # Whole features go at once, never the single rune alone, so that no
            # rare n-gram is relied on.
            keep = torch.rand(e.shape[:3]) > torch.tensor([0.05, 0.1, 0.2, 0.2])
            e = e * keep.unsqueeze(-1)
        x = e.flatten(2)
        after = []
        for layer, c0 in zip(self.layers, state):
            x, c = layer(self.drop(x), c0)
            after.append(c)
        h = self.drop(self.norm(x))
        return self.head(torch.relu(self.hidden(h))).float(), h, after
