_base_ = 'mmdet::_base_/default_runtime.py'
param_scheduler = dict(type='OneCycleLR', eta_max=0.1, total_steps=1000)
