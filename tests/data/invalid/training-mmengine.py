max_epochs = 50
base_lr = 1e-3
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=base_lr, momentum=0.9), accumulative_counts=2)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='OneCycleLR', eta_max=base_lr * 10, total_steps=2 * max_epochs, by_epoch=True, pct_start=1.5),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
