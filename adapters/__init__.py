"""What needs torch: detectors and classifiers, their training, and their scores on real photographs."""
