optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.01))
param_scheduler = [dict(type='OneCycleLR', eta_max=0.01, total_steps=40)]
train_cfg = dict(max_epochs=40)
auto_scale_lr = dict(enable=True, base_batch_size=16)
