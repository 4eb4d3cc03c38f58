"""A plain PyTorch training script: `onecycle show configs/training/train.py --steps-per-epoch 391` reads it."""

import argparse

import torch
from torch.optim.lr_scheduler import OneCycleLR


def main() -> None:
    """Train a model with a one-cycle schedule."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--max-lr", type=float, default=0.1)
    args = parser.parse_args()

    model = torch.nn.Linear(32, 10)
    loader = torch.utils.data.DataLoader(torch.zeros(50_000, 32), batch_size=128)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.max_lr, momentum=0.95)
    scheduler = OneCycleLR(optimizer, max_lr=args.max_lr, epochs=args.epochs, steps_per_epoch=len(loader))
    for _epoch in range(args.epochs):
        for batch in loader:
            optimizer.zero_grad()
            model(batch).square().mean().backward()
            optimizer.step()
            scheduler.step()


if __name__ == "__main__":
    main()
