from yacs.config import CfgNode as CN

_CN = CN()
_CN.trainer = CN()
_CN.trainer.scheduler = "OneCycleLR"
_CN.trainer.canonical_lr = 25e-5
_CN.trainer.num_steps = 120000
_CN.trainer.anneal_strategy = "linear"
